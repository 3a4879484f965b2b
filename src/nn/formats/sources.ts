/**
 * Sources: what the rows of a checkpoint's tensors are, by the kind that its file names. All can be widened to float32, exactly but for float64; those of blocks have a
 * format that holds them bit by bit. Floats are here; blocks are in the file of their format, and in gguf.ts by their names.
 */
import type { Engine } from '../../engine/engine.js';
import { convert_bf16_f32, convert_f16_f32, TILE } from '../../engine/kernels.generated.js';
import { HeedError } from '../../errors.js';
import { areFinite } from '../../ops/quantize.js';
import type { Tensor } from '../../tensor.js';
import type { Format } from './format.js';

/** The parameter that is filled, for messages. */
interface Filled {
  engine: Engine;
  name: string;
  shape: readonly number[];
}

export interface Source {
  /** Elements that share bytes, and how many. */
  readonly block: readonly [elements: number, bytes: number];
  /** The format that holds it bit by bit; that of floats is the parameter's choice. */
  readonly format?: Format;
  /** Whether widening needs the bytes in the engine first. */
  readonly staged: boolean;
  /** Writes whole rows, whose bytes these are, to `to`: float32 [rows, width]. Throws NUMERIC for what is not finite. */
  widen(filled: Filled, bytes: Uint8Array, to: Tensor): void;
}

/** By the kind that a file names. */
export type Sources = Readonly<Record<string, Source>>;

/** Bytes of a row of so many elements. */
export const rowBytes = ({ block: [elements, bytes] }: Source, width: number): number => (width / elements) * bytes;

const unmendable = (name: string, shape: readonly number[], what: string): HeedError =>
  new HeedError('NUMERIC', `${name} ${what}`, {
    culprit: name,
    shape,
    cure: 'No dtype mends that, fp32 neither: take another checkpoint',
  });

export const notFiniteScale = (name: string, shape: readonly number[], or = ''): HeedError =>
  unmendable(name, shape, `has a scale that is not finite${or}`);

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

/** What every checkpoint may hold. */
export const floats = {
  F32: /* @__PURE__ */ floatSource(4, false, (engine, from, to) => engine.heap.bytes.set(from, to)),
  F16: /* @__PURE__ */ half(convert_f16_f32),
  BF16: /* @__PURE__ */ half(convert_bf16_f32),
  F64: /* @__PURE__ */ floatSource(8, false, (engine, from, to, n) => engine.heap.floats(to, n).set(new Float64Array(from.slice().buffer))),
} as const satisfies Sources;

/** Blocks that a format holds as they are: it is what widens them, too. */
export const blockSource = (format: Format, elements: number, bytes: number): Source => {
  const source: Source = {
    block: [elements, bytes],
    format,
    staged: true,
    widen({ engine, name }, from, to) {
      const held = new format({ engine, name, shape: to.shape, heights: [to.dim(0)] });
      try {
        held.write(0, from, source);
        engine.scope(() => {
          const { ptr, size } = held.values();
          engine.heap.bytes.copyWithin(to.ptr, ptr, ptr + size * 4);
        });
      } finally {
        held.dispose();
      }
    },
  };
  return source;
};
