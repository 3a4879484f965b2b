/**
 * Sources: readers of the rows of a checkpoint's tensors, by the dtype that its file names. All can be widened to float32, exactly except float64; sources of blocks have a
 * format that holds them, or the nearest one. Floats are here; blocks are in the file of their format, and in gguf.ts by their names.
 */
import type { Engine } from '../../engine/engine.js';
import { BLOCK, convert_bf16_f32, convert_f16_f32, TILE } from '../../engine/kernels.generated.js';
import type { Launch } from '../../engine/launch.js';
import { HeedError } from '../../errors.js';
import { areFinite, launchChecked, type PanelRows } from '../../ops/quantize.js';
import type { Tensor } from '../../tensor.js';
import { type Filled, type Format, type PanelForm, rowBytes, type Source, type Sources, widthOf } from './format.js';

export type { Source, Sources } from './format.js';

export const unmendable = (name: string, shape: readonly number[], what: string): HeedError =>
  new HeedError('NUMERIC', `${name} ${what}`, {
    culprit: name,
    shape,
    cure: 'No dtype mends that, fp32 neither: take another checkpoint',
  });

/** Floats of so many bytes, and how `n` of them become float32 at `to`. */
function floatSource(bytes: number, staged: boolean, convert: (engine: Engine, from: Uint8Array, to: number, n: number) => void): Source {
  return {
    block: [1, bytes],
    staged,
    widen({ engine, name, shape }, from, { ptr, size }) {
      convert(engine, from, ptr, size);
      if (areFinite(engine, ptr, size)) return;
      throw unmendable(name, shape, 'holds a number that is not finite');
    },
  };
}

/** Half precision, which a kernel widens. */
const half = (kernel: typeof convert_f16_f32 | typeof convert_bf16_f32): Source =>
  floatSource(2, true, (engine, from, y, n) =>
    engine.scope(() => {
      const { ptr } = engine.allocate(from.length);
      engine.heap.bytes.set(from, ptr);
      engine.launch(kernel({ tiles: Math.ceil(n / TILE), work: n, y, x: ptr, n }));
    }),
  );

/** Dtypes that every checkpoint may have. */
export const floats = {
  F32: /* @__PURE__ */ floatSource(4, false, (engine, from, to) => engine.heap.bytes.set(from, to)),
  F16: /* @__PURE__ */ half(convert_f16_f32),
  BF16: /* @__PURE__ */ half(convert_bf16_f32),
  F64: /* @__PURE__ */ floatSource(8, false, (engine, from, to, n) => engine.heap.floats(to, n).set(new Float64Array(from.slice().buffer))),
} as const satisfies Sources;

/** Function that puts a checkpoint's blocks into panels: the launch for some rows of K elements. */
type PackBlocks = (rows: PanelRows, K: number, refused: number) => Launch;

/** Source of blocks that fill panels. */
export interface BlockSource extends Source {
  readonly format: Format;
  /** Puts rows `row` … into the form; their blocks are already in the engine, at `at`. Throws NUMERIC for a scale that is not finite. */
  put(form: PanelForm, row: number, rows: number, at: number): void;
}

/** Blocks of 32 that a format holds as they are: it is what widens them, too. */
export const blockSource = (format: Format, bytes: number, pack: PackBlocks): BlockSource => {
  const source: BlockSource = {
    block: [BLOCK, bytes],
    format,
    staged: true,
    put(form, row, rows, at) {
      const { engine, name, shape } = form.weights;
      const K = widthOf(form.weights);
      form.each(row, rows, at, rowBytes(source, K), (some) => {
        if (!launchChecked(engine, (refused) => pack(some, K, refused)))
          throw unmendable(name, shape, 'has a scale that is not finite, or too large');
      });
    },
    copy(form, row, from) {
      const rows = from.length / rowBytes(source, widthOf(form.weights));
      form.raw(from, (at) => source.put(form, row, rows, at));
    },
    widen: (filled, from, to) => widenThrough(source, filled, from, to),
  };
  return source;
};

/** Widens rows by the format that holds them. */
export function widenThrough(source: Source & { format: Format }, { engine, name }: Filled, from: Uint8Array, to: Tensor): void {
  const held = new source.format({ engine, name, shape: to.shape, heights: [to.dim(0)] });
  try {
    held.write(0, from, source);
    engine.scope(() => {
      const { ptr, size } = held.values();
      engine.heap.bytes.copyWithin(to.ptr, ptr, ptr + size * 4);
    });
  } finally {
    held.dispose();
  }
}
