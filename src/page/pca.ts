/** Principal components of a few vectors: the plane in which they lie furthest apart. */

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};
const scaled = (a: ArrayLike<number>, factor: number): Float64Array => Float64Array.from(a, (x) => x * factor);

/** Rounds of the power method, which ends by itself where nothing changes any more. */
const [ROUNDS, STILL] = [500, 1e-12];

/** Eigenvector of the largest eigenvalue of a symmetric matrix, and that value, by the power method. */
function strongest(rows: readonly Float64Array[]): { vector: Float64Array; value: number } {
  // Unlike numbers, so that the beginning is at a right angle to hardly anything.
  let vector = scaled(
    Float64Array.from(rows, (_, i) => 1 + ((i * 0.618034) % 1)),
    1 / Math.sqrt(rows.length),
  );
  let value = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const next = Float64Array.from(rows, (row) => dot(row, vector));
    const length = Math.sqrt(dot(next, next));
    if (length < 1e-9) return { vector: new Float64Array(rows.length), value: 0 };
    vector = scaled(next, 1 / length);
    if (Math.abs(length - value) <= STILL * length) break;
    value = length;
  }
  return { vector, value };
}

/** A projection of vectors [C] onto their first components. */
export interface Plane {
  /** Place of a vector in the plane. */
  place(vector: ArrayLike<number>): [x: number, y: number];
  /** Share of the vectors' variance that the plane shows, 0 to 1. */
  readonly shown: number;
}

/**
 * The plane of the first two principal components of N vectors. It works on the vectors' products [N, N], which are few, and not on their channels.
 * Components point to where the first vector that is not in the middle lies, so that equal vectors give equal maps.
 */
export function planeOf(vectors: readonly ArrayLike<number>[]): Plane {
  const C = vectors[0]?.length ?? 0;
  const mean = Float64Array.from({ length: C }, (_, c) => vectors.reduce((sum, x) => sum + (x[c] as number), 0) / vectors.length);
  const centred = vectors.map((x) => Float64Array.from(x, (value, c) => value - (mean[c] as number)));
  const products = centred.map((a) => Float64Array.from(centred, (b) => dot(a, b)));
  const total = products.reduce((sum, row, i) => sum + (row[i] as number), 0);
  const axes: Float64Array[] = [];
  let seen = 0;
  for (let k = 0; k < 2; k++) {
    const { vector, value } = strongest(products);
    const sign = Math.sign(vector.find((x) => Math.abs(x) > 1e-6) ?? 1);
    const axis = new Float64Array(C);
    const length = Math.sqrt(value);
    if (value > 1e-9 * total)
      for (const [i, x] of centred.entries())
        for (let c = 0; c < C; c++) axis[c] = (axis[c] as number) + (sign * (vector[i] as number) * (x[c] as number)) / length;
    axes.push(axis);
    seen += value;
    // What is left is at right angles to this component.
    for (const [i, row] of products.entries())
      for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) - value * (vector[i] as number) * (vector[j] as number);
  }
  const [first, second] = axes as [Float64Array, Float64Array];
  const place = (x: ArrayLike<number>): [number, number] => {
    const own = Float64Array.from(x, (value, c) => value - (mean[c] as number));
    return [dot(own, first), dot(own, second)];
  };
  return { place, shown: total > 0 ? Math.min(1, seen / total) : 1 };
}

/** Cosine of the angle between two vectors. */
export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1);
