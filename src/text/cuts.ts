/** What of a text, or of a pair, goes into a row: cut to a length, from either end, in one window or in several that overlap. */
import { HeedError } from '../errors.js';
import type { Span } from './aligned.js';
import type { Lengths } from './batch.js';
import { share, windows } from './encoding.js';

/** The end that is cut off, where a call does not say. */
type Side = NonNullable<Lengths['cut']['side']>;

/** So many tokens of a text, the first of a pair, that more would be cut off in any case; undefined where there are none. */
export function enough(isPair: boolean, { cut }: Lengths, absent: Side): number | undefined {
  const { length, side = absent, stride, strategy } = cut;
  return side === 'right' && stride === undefined && (!isPair || strategy === 'only_first') ? length : undefined;
}

/**
 * Which of a's and b's tokens go into each window, of which `specials` tokens belong to the template where special ones are wanted. Throws ARGUMENT where those alone are too
 * many.
 */
export function cutsOf(
  a: number,
  b: number | undefined,
  { special, cut }: Lengths,
  specials: number,
  absent: Side,
): readonly [readonly Span[], readonly Span[]] {
  const { length, strategy, stride, side = absent } = cut;
  const count = special ? specials : 0;
  if (length !== undefined && length < count)
    throw new HeedError('ARGUMENT', `max_length ${length} has no room for ${count} special tokens`, { culprit: 'max_length' });
  const [mostA, mostB] = length === undefined ? [a, b ?? 0] : share(a, b, length - count, strategy);
  return [windows(a, mostA, stride, side), windows(b ?? 0, mostB, stride, side)];
}
