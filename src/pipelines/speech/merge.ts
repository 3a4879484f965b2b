/**
 * Pieces of a sound that overlap, as one text with times (as transformers' pipeline has it): where two pieces tell of the same stretch, what they have in common is found, and the left one is
 * believed up to its middle, the right one from there on. A chunk ends at a timestamp that stands in no overlap.
 */

/** A token with the seconds in which it was said, or a timestamp; seconds count from the piece's beginning. */
export type Heard = { readonly token: number; readonly span: Span } | { readonly time: number };
export type Span = readonly [start: number, end: number];

/** What was heard in a piece. */
export interface Piece {
  readonly heard: readonly Heard[];
  /** Its seconds, and how many of them the pieces before and behind tell of, too. Default: it stands alone. */
  readonly stride?: { readonly length: number; readonly left: number; readonly right: number } | undefined;
}

/** A stretch of the text. */
export interface Chunk {
  start: number | undefined;
  end: number | undefined;
  tokens: number[];
  spans: Span[];
}

/** Tokens side by side with their seconds. */
type Said = Pick<Chunk, 'tokens' | 'spans'>;

const rounded = (seconds: number): number => Math.round(seconds * 100) / 100;
const nothing = (): Said => ({ tokens: [], spans: [] });
const timeOf = (one: Heard): number | undefined => ('time' in one ? one.time : undefined);

/** The first timestamp of those that stand in what the next piece tells of, too; of the others the last. */
function lastTime(heard: readonly Heard[], from: number): number | undefined {
  let last: number | undefined;
  for (const one of [...heard].reverse()) {
    const time = timeOf(one);
    if (time === undefined) continue;
    if (last !== undefined && time < from) break;
    last = time;
  }
  return last;
}

/** The chunks of pieces that follow each other. */
export function merged(pieces: readonly Piece[]): Chunk[] {
  const chunks: Chunk[] = [];
  /** What the pieces so far say of the chunk that is open. */
  let open: Said[] = [];
  let start: number | undefined;
  let offset = 0;
  let skips = false;
  const close = (end: number | undefined) => {
    chunks.push({ start, end, ...joined(open) });
    [open, start] = [[], undefined];
  };
  for (const { heard, stride } of pieces) {
    const { length = 0, left = 0, right = 0 } = stride ?? {};
    offset -= left;
    const last = right > 0 ? lastTime(heard, length - right) : undefined;
    let said = nothing();
    for (const one of heard) {
      if ('token' in one) {
        said.tokens.push(one.token);
        said.spans.push([rounded(one.span[0] + offset), rounded(one.span[1] + offset)]);
        continue;
      }
      const time = rounded(one.time + offset);
      // Timestamps of an overlap are left to the other piece, and so is the second of their pair.
      if (last && one.time >= last) skips = true;
      else if (skips || (open.length > 0 && one.time < left)) skips = false;
      else if (start === undefined) start = time;
      else if (time !== start) {
        open.push(said);
        said = nothing();
        close(time);
      }
    }
    offset += length - right;
    if (said.tokens.length) open.push(said);
    else if (!open.some(({ tokens }) => tokens.length)) [open, start] = [[], undefined];
  }
  if (open.length) close(undefined);
  return chunks;
}

/** What overlapping pieces say, once. */
function joined(all: readonly Said[]): Said {
  const [first = nothing(), ...rest] = all;
  const whole = nothing();
  let left = first;
  const take = ({ tokens, spans }: Said, to: number) => {
    whole.tokens.push(...tokens.slice(0, to));
    whole.spans.push(...spans.slice(0, to));
  };
  for (const right of rest) {
    const [of, from] = meeting(left, right);
    take(left, of);
    left = { tokens: right.tokens.slice(from), spans: right.spans.slice(from) };
  }
  take(left, left.tokens.length);
  return whole;
}

/** How many of the left tokens count, and from which on the right ones do: the middle of what they have most in common when one is slid along the other. */
function meeting(left: Said, right: Said): readonly [of: number, from: number] {
  const [n, m] = [left.tokens.length, right.tokens.length];
  let most = 0;
  let best: readonly [number, number] = [n, 0];
  for (let i = 1; i < n + m; i++) {
    const [at, to, from] = [Math.max(0, n - i), Math.min(n, n + m - i), Math.max(0, i - n)];
    let matches = 0;
    for (let k = 0; k < to - at; k++)
      if (left.tokens[at + k] === right.tokens[from + k] && !isBefore(right.spans[from + k], left.spans[at + k])) matches++;
    // Of equal shares the longer stretch.
    const share = matches / i + i / 10_000;
    if (matches <= 1 || share <= most) continue;
    most = share;
    best = [(at + to) >> 1, (from + from + to - at) >> 1];
  }
  return best;
}

const isBefore = (one: Span | undefined, other: Span | undefined): boolean =>
  one !== undefined && other !== undefined && (one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]));
