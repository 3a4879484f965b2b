/**
 * Tensors of GGUF files, under the names of ggml's types: for readers of such files; other bundles do without this code. Blocks that products can read are unchanged. Each other type becomes
 * the format that loses least at its size, as measured in docs/gguf.md: 8 bits, or 4 with minima where those hold it as well.
 */
import {
  BLOCK,
  recode_iq4_nl,
  recode_q2_k,
  recode_q3_k,
  recode_q4_k,
  recode_q5_0,
  widen_q2_k,
  widen_q4_k,
  widen_q5_1,
  widen_q5_k,
  widen_q6_k,
} from '../../engine/kernels.generated.js';
import { areFinite } from '../../ops/quantize.js';
import { rowBytes, type Source, type Sources, widthOf } from './format.js';
import { Q4_0, Q4_1 } from './q4.js';
import { Q8_0, Quantized } from './q8.js';
import { type BlockSource, floats, unmendable, widenThrough } from './sources.js';

/** Kernels of assembly/ggml.ts, all of which convert blocks. */
type BlockKernel = typeof widen_q4_k & typeof recode_q4_k;

/** Number of elements in a block of a K-quant. */
const SUPER = 256;

/** Source that a kernel widens to float32, exactly. */
const wide = (elements: number, bytes: number, kernel: BlockKernel) =>
  ({
    block: [elements, bytes] as const,
    staged: true,
    rounded: true as const,
    widen({ engine, name, shape }, from, { ptr, size }) {
      engine.scope(() => {
        const { ptr: x } = engine.allocate(from.length);
        engine.heap.bytes.set(from, x);
        engine.launch(kernel({ tiles: size / elements, work: size, y: ptr, x }));
      });
      if (!areFinite(engine, ptr, size)) throw unmendable(name, shape, 'has a scale that is not finite, or too large');
    },
  }) satisfies Source;

/** Source whose blocks are converted to those of another format, on their way into panels. */
const recoded = (elements: number, bytes: number, kernel: BlockKernel, to: BlockSource) =>
  ({
    block: [elements, bytes] as const,
    format: to.format,
    staged: true,
    recoded: to.block[1] / BLOCK,
    copy(form, row, from) {
      const { engine } = form.weights;
      const [width, tiles] = [widthOf(form.weights), from.length / bytes];
      const rows = (tiles * elements) / width;
      form.raw(from, (x) => {
        const { ptr: y } = engine.allocate(rows * rowBytes(to, width));
        engine.launch(kernel({ tiles, work: tiles * elements, y, x }));
        to.put(form, row, rows, y);
      });
    },
  }) satisfies Omit<Source, 'widen'>;

/** Source whose blocks are converted to a format that has every value of them. */
function exactly(...given: Parameters<typeof recoded>): Source {
  const source = { ...recoded(...given), widen: (...filled: Parameters<Source['widen']>) => widenThrough(source, ...filled) };
  return source;
}

export const ggufSources: Sources = {
  ...floats,
  ...{ Q8_0, Q4_0, Q4_1 },
  Q5_0: /* @__PURE__ */ exactly(BLOCK, 22, recode_q5_0, Q8_0),
  Q5_1: { .../* @__PURE__ */ wide(BLOCK, 24, widen_q5_1), format: Quantized },
  Q2_K: { .../* @__PURE__ */ recoded(SUPER, 84, recode_q2_k, Q4_1), .../* @__PURE__ */ wide(SUPER, 84, widen_q2_k) },
  Q3_K: /* @__PURE__ */ exactly(SUPER, 110, recode_q3_k, Q8_0),
  Q4_K: { .../* @__PURE__ */ recoded(SUPER, 144, recode_q4_k, Q4_1), .../* @__PURE__ */ wide(SUPER, 144, widen_q4_k) },
  Q5_K: { .../* @__PURE__ */ wide(SUPER, 176, widen_q5_k), format: Quantized },
  Q6_K: { .../* @__PURE__ */ wide(SUPER, 210, widen_q6_k), format: Quantized },
  IQ4_NL: /* @__PURE__ */ exactly(BLOCK, 18, recode_iq4_nl, Q8_0),
};
