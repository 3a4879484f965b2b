/**
 * How the places of planes fall into square windows, in which alone they attend to each other (Liu et al., arXiv 2103.14030, §3.2): numbers of rows, by which states are looked up.
 *
 *   plane 4 × 4, windows of 2        shifted by 1: the plane is turned first, so that windows at its end have parts which were apart
 *     a a b b                          d c c d
 *     a a b b                          b a a b
 *     c c d d                          b a a b
 *     c c d d                          d c c d
 */

/** Windows of equal size over B planes of one size. */
export interface Windows {
  /** Places of a window's side. */
  readonly side: number;
  /** How far windows are shifted. */
  readonly shift: number;
  /** The row of the planes that stands in each place of each window, [N · side²]. */
  readonly into: Int32Array<ArrayBuffer>;
  /** The way back: the place in the windows of each row of the planes, [B · H · W]. */
  readonly from: Int32Array<ArrayBuffer>;
  /** Windows stand side by side by what is apart in them: how many of each kind. */
  readonly runs: readonly { readonly apart: Apart; readonly count: number }[];
  /** Where each window stands, in the order of planes and lines. */
  readonly order: Int32Array<ArrayBuffer>;
}

/** Whether a window's upper and lower part, and its left and right, belong to different ends of the plane. */
export interface Apart {
  readonly down: boolean;
  readonly across: boolean;
}

const kinds: readonly Apart[] = [
  { down: false, across: false },
  { down: false, across: true },
  { down: true, across: false },
  { down: true, across: true },
];

/** Windows over B planes of H × W places; a side's windows fill it. */
export function windowsOf([B, H, W]: readonly [number, number, number], side: number, shift: number): Windows {
  const [h, w] = [H / side, W / side];
  const kindOf = (n: number) => (shift === 0 ? 0 : 2 * Number(Math.floor(n / w) % h === h - 1) + Number(n % w === w - 1));
  const listed = Array.from({ length: B * h * w }, (_, n) => n);
  const groups = kinds.map((_, kind) => listed.filter((n) => kindOf(n) === kind));
  const [into, from, order] = [new Int32Array(B * H * W), new Int32Array(B * H * W), new Int32Array(B * h * w)];
  for (const [at, n] of groups.flat().entries()) {
    order[n] = at;
    const [top, left] = [(Math.floor(n / w) % h) * side + shift, (n % w) * side + shift];
    for (let i = 0; i < side * side; i++) {
      const line = Math.floor(n / (h * w)) * H + ((top + Math.floor(i / side)) % H);
      const row = line * W + ((left + (i % side)) % W);
      into[at * side * side + i] = row;
      from[row] = at * side * side + i;
    }
  }
  const runs = groups.flatMap(({ length: count }, kind) => (count ? [{ apart: kinds[kind] as Apart, count }] : []));
  return { side, shift, into, from, runs, order };
}

/** What is added to the scores between places of a window [side², side²]: `far` where a part of the window divides them. */
export function scoresApart({ down, across }: Apart, side: number, shift: number, far: number): Float32Array<ArrayBuffer> {
  const T = side * side;
  const isBehind = (at: number) => at >= side - shift;
  const divided = (a: number, b: number) => isBehind(a) !== isBehind(b);
  return Float32Array.from({ length: T * T }, (_, i) => {
    const [q, k] = [Math.floor(i / T), i % T];
    const lines = down && divided(Math.floor(q / side), Math.floor(k / side));
    return lines || (across && divided(q % side, k % side)) ? far : 0;
  });
}
