/**
 * What GGUF files hold, by the names of ggml's kinds: for whoever reads such files; others do without its code. Blocks that products read stay what they are. Of the others each becomes
 * what loses least at its size, as measured in docs/gguf.md: 8 bits, or 4 with minima where those hold it as well.
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

/** Kernels of assembly/ggml.ts, all of which go from blocks to what is made of them. */
type BlockKernel = typeof widen_q4_k & typeof recode_q4_k;

/** A block of a K-quant. */
const SUPER = 256;

/** What a kernel writes as float32, which is exact. */
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

/** What becomes blocks of another kind, on its way into their panels. */
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

/** The same, where the other kind has every value of it. */
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
