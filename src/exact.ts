/**
 * Functions of float64 with the same bits in every runtime. Engines differ in the last bits of Math.sin, cos, exp and log; sums and products are the same everywhere, so
 * series of them are. Errors are a few units in the last place.
 */

/** Terms of the series: with arguments of at most π/4 or ln 2 the next one is below 2^-60. */
const TERMS = 10;

/** cos(2π k / n) and sin(2π k / n), for whole k and n. */
export function turn(k: number, n: number): readonly [cos: number, sin: number] {
  // An eighth of a turn is enough: the rest is the same with signs, or with sine and cosine changed over. Whole numbers make this exact.
  const at = ((k % n) + n) % n;
  const octant = Math.floor((8 * at) / n);
  const rest = 8 * at - octant * n;
  const [c, s] = octant % 2 ? eighth(n - rest, n) : eighth(rest, n);
  const [x, y] = octant % 2 ? [s, c] : [c, s];
  const quadrant = octant >> 1;
  return (
    [
      [x, y],
      [-y, x],
      [-x, -y],
      [y, -x],
    ] as const
  )[quadrant] as readonly [number, number];
}

/** cos and sin of (k / n) · π/4, for k from 0 to n. */
function eighth(k: number, n: number): readonly [number, number] {
  const x = (k / n) * (Math.PI / 4);
  const square = x * x;
  let [cos, sin] = [0, 0];
  // Horner's scheme, from the smallest term.
  for (let i = TERMS; i > 0; i--) {
    cos = (-square / ((2 * i - 1) * 2 * i)) * (1 + cos);
    sin = (-square / (2 * i * (2 * i + 1))) * (1 + sin);
  }
  return [1 + cos, x * (1 + sin)];
}

/** sin(π x), for any x. */
export function sinPi(x: number): number {
  const whole = Math.round(x);
  const rest = (x - whole) * Math.PI;
  const square = rest * rest;
  let sin = 0;
  for (let i = TERMS + 2; i > 0; i--) sin = (-square / (2 * i * (2 * i + 1))) * (1 + sin);
  const value = rest * (1 + sin);
  return whole % 2 === 0 ? value : -value;
}

/** e^x, for x of moderate size. */
export function exp(x: number): number {
  const halvings = Math.round(x / Math.LN2);
  const rest = x - halvings * Math.LN2;
  let sum = 0;
  for (let i = 2 * TERMS; i > 0; i--) sum = (rest / i) * (1 + sum);
  return (1 + sum) * 2 ** halvings;
}

const scratch = new DataView(new ArrayBuffer(8));
/** Exponent's bits of a float64: how many stand below it in the upper half, and what it is for 1 to 2. */
const [MANTISSA_BITS, BIAS] = [20, 1023];

/** The natural logarithm of a normal number above 0: 2 artanh((m − 1) / (m + 1)) of the mantissa, and ln 2 for each power of two. */
export function log(x: number): number {
  scratch.setFloat64(0, x);
  const upper = scratch.getUint32(0);
  let power = (upper >>> MANTISSA_BITS) - BIAS;
  scratch.setUint32(0, (upper & ((1 << MANTISSA_BITS) - 1)) | (BIAS << MANTISSA_BITS));
  let mantissa = scratch.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    power++;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let i = TERMS; i > 0; i--) sum = square * (1 / (2 * i + 1) + sum);
  return power * Math.LN2 + 2 * ratio * (1 + sum);
}
