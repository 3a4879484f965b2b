/** Rotary position embedding over a given table: both pairings, channels that stay, and positions of every form. The table is rotary.test.ts's. */
import { rotary } from 'heed/ops';
import { ROUNDED } from './check.js';
import { build, sizeOf } from './f64.js';
import type { Numbers, OpCase } from './types.js';

export interface RotaryShape {
  B: number;
  H: number;
  T: number;
  D: number;
  /** Channels that turn: all unless given. */
  R?: number;
  interleaved?: boolean;
  /** Whether each row of x or each row of each example has a position of its own. */
  positions?: 'row' | 'example';
}

const POSITIONS = 50;
const base = { B: 2, H: 3, T: 5, D: 8 };

const forms: RotaryShape[] = [
  base,
  { ...base, D: 2 },
  { ...base, D: 13, R: 6 },
  { ...base, D: 64, R: 32, T: 33 },
  { ...base, B: 0 },
  { ...base, T: 0 },
  { ...base, positions: 'row' },
  { ...base, positions: 'example' },
  { ...base, D: 9, R: 4, positions: 'example' },
];

export const rotaryCase: OpCase<RotaryShape, { x: Numbers; cos: Numbers; sin: Numbers; positions?: Numbers }> = {
  name: 'rotary',
  shapes: forms.flatMap((shape) => [shape, { ...shape, interleaved: true }]),
  bench: [
    { B: 1, H: 12, T: 128, D: 32 },
    { B: 1, H: 24, T: 512, D: 64 },
  ],
  inputs({ B, H, T, D, R = D, positions }, random) {
    const angles = random.floats([Math.max(T, POSITIONS), R / 2], Math.PI);
    return {
      x: random.floats([B, H, T, D]),
      cos: { data: angles.data.map(Math.cos), dims: angles.dims },
      sin: { data: angles.data.map(Math.sin), dims: angles.dims },
      ...(positions && { positions: random.integers(positions === 'row' ? [T] : [B, T], POSITIONS) }),
    };
  },
  run: (_, { x, cos, sin, positions }, { interleaved }) => rotary(x, { cos, sin }, { interleaved, positions }),
  oracle({ x, cos, sin, positions }, { B, H, T, D, R = D, interleaved, positions: form }) {
    const half = R / 2;
    return build([B, H, T, D], ([b, h, t, c]) => {
      const [batch, head, row, channel] = [b as number, h as number, t as number, c as number];
      const from = ((batch * H + head) * T + row) * D;
      const own = x.data[from + channel] as number;
      if (channel >= R) return own;
      const position = positions ? (positions.data[(form === 'example' ? batch * T : 0) + row] as number) : row;
      const first = interleaved ? channel % 2 === 0 : channel < half;
      const partner = x.data[from + channel + (interleaved ? 1 : half) * (first ? 1 : -1)] as number;
      const angle = position * half + (interleaved ? Math.floor(channel / 2) : channel % half);
      return own * (cos.data[angle] as number) + (first ? -1 : 1) * partner * (sin.data[angle] as number);
    });
  },
  gradients: ['x'],
  tolerance: ROUNDED,
  flops: ({ B, H, T, D }) => 3 * sizeOf([B, H, T, D]),
};
