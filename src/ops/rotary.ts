/** Rotary position embedding (Su et al., arXiv 2104.09864, eq. 34). */
import { record } from '../autograd/tape.js';
import { Engine } from '../engine/engine.js';
import { rope_f32 } from '../engine/kernels.generated.js';
import { checkOptions, HeedError } from '../errors.js';
import { cos, pow, sin } from '../math.js';
import { Tensor, tensor } from '../tensor.js';
import { expectBooleans, expectDtype, expectShape, expectTensor, wrongArgument, wrongShape } from './check.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Rotations by position for `rotary`, made by rotaryTable. */
export interface RotaryTable {
  /** Tensor [positions, R / 2]. */
  cos: Tensor;
  /** Tensor [positions, R / 2]. */
  sin: Tensor;
}

/** Computes cos and sin of t · θ_i, θ_i = base^(−2i / R), for t < positions. R is the number of channels that turn. */
export function rotaryTable(engine: Engine, positions: number, R: number, base = 10_000): RotaryTable {
  if (!(engine instanceof Engine)) throw wrongArgument('rotaryTable', 'engine', engine, 'Make one with createEngine()');
  if (!(Number.isSafeInteger(positions) && positions >= 0))
    throw wrongArgument('rotaryTable', 'positions', positions, 'It is a whole number from 0 on');
  if (!(Number.isSafeInteger(R) && R >= 2 && R % 2 === 0)) throw wrongArgument('rotaryTable', 'R', R, 'Channels must form pairs');
  if (!(typeof base === 'number' && base > 0 && base < Number.POSITIVE_INFINITY))
    throw wrongArgument('rotaryTable', 'base', base, 'It is a number above 0');
  // A table that does not fit into memory is refused before JavaScript tries to make it.
  engine.heap.reserve(positions * R * 4);
  const rows = rotaryRows(rotaryAngles(R, base), positions);
  const enter = (values: Float32Array) => tensor(engine, values, [positions, R / 2]);
  return engine.scope(() => ({ cos: enter(rows.cos), sin: enter(rows.sin) }));
}

/** Angles θ_i = base^(−2i / R) of the pairs of channels. */
export const rotaryAngles = (R: number, base: number): number[] => Array.from({ length: R / 2 }, (_, i) => pow(base, (-2 * i) / R));

/** Computes `factor` times cos and sin of t times each angle, [positions, angles]. */
export function rotaryRows(
  angles: readonly number[],
  positions: number,
  factor = 1,
): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const half = angles.length;
  const fill = (f: (x: number) => number) =>
    Float32Array.from({ length: positions * half }, (_, i) => factor * f(Math.fround(Math.floor(i / half) * (angles[i % half] as number))));
  return { cos: fill(cos), sin: fill(sin) };
}

/** Options of rotary. */
export interface RotaryOptions {
  /** `true` for pairs (2i, 2i + 1) of channels, as in the paper, instead of (i, i + R/2), as in Hugging Face's checkpoints. Default false. */
  interleaved?: boolean | undefined;
  /** Row of the table for each query: [T] or [B, T] int32. Default 0 … T − 1. */
  positions?: Tensor | undefined;
}

/** Turns the first R channels of x [B, H, T, D] by their positions; the other channels stay. R is twice the table's width. */
export const rotary = /* @__PURE__ */ op((x: Tensor, table: RotaryTable, options: RotaryOptions = {}): Tensor => {
  checkOptions(options, ['interleaved', 'positions'], 'rotary');
  const { interleaved = false, positions } = options;
  expectBooleans('rotary', { interleaved });
  expectDtype('rotary', 'x', x, 'float32');
  if (x.rank !== 4) throw wrongShape('rotary', 'x', x.shape, 'it must be [B, H, T, D]');
  const [B, H, T, D] = x.shape as [number, number, number, number];
  for (const name of ['cos', 'sin'] as const) expectTensor('rotary', `table.${name}`, table?.[name]);
  if (table.cos.rank !== 2) throw wrongShape('rotary', 'table.cos', table.cos.shape, 'it must be [positions, R / 2]');
  const [rows, half] = table.cos.shape as [number, number];
  for (const name of ['cos', 'sin'] as const) {
    expectDtype('rotary', `table.${name}`, table[name], 'float32');
    expectShape('rotary', `table.${name}`, table[name], [rows, half]);
  }
  if (2 * half > D) throw wrongShape('rotary', 'table.cos', table.cos.shape, `it turns ${2 * half} channels, x has ${D}`);
  if (positions !== undefined) {
    expectDtype('rotary', 'positions', positions, 'int32');
    expectShape('rotary', 'positions', positions, positions.rank === 2 ? [B, T] : [T]);
  }
  const perBatch = positions?.rank === 2 ? T : 0;
  const at = positions && contiguous(positions);
  const wrong = at ? x.engine.heap.ints(at.ptr, at.size).find((p) => p < 0 || p >= rows) : T > rows ? T - 1 : undefined;
  if (wrong !== undefined)
    throw new HeedError('ARGUMENT', `rotary: the table of ${rows} positions has no position ${wrong}`, { culprit: 'positions' });
  const [cos, sin] = [contiguous(table.cos), contiguous(table.sin)];
  const turn = (from: Tensor, direction: 1 | -1): Tensor => {
    const source = from.strides[3] === 1 ? from : contiguous(from);
    const to = Tensor.empty(x.engine, x.shape);
    const [sb, sh, st] = source.strides as [number, number, number];
    const [tiles, work, R] = [B * H * T, x.size * 6, 2 * half];
    const paired = Number(interleaved);
    x.engine.launch(
      rope_f32({
        ...{ tiles, work, y: to.ptr, x: source.ptr, cos: cos.ptr, sin: sin.ptr, positions: at?.ptr ?? 0 },
        ...{ H, T, D, R, sb, sh, st, perBatch, interleaved: paired, direction },
      }),
    );
    return to;
  };
  const y = turn(x, 1);
  record(y, [x], [cos, sin, at], (dy) => [turn(dy, -1)]);
  return y;
});
