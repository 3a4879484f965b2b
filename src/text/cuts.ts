/** Truncation: the tokens of a text, or of a pair, that go into a row: cut to a length, from either end, in one window or in several that overlap. */
import { HeedError } from '../errors.js';
import type { Span } from './aligned.js';
import type { Lengths } from './batch.js';
import { share, windows } from './encoding.js';

/** Side that is cut off, where a call does not say. */
type Side = NonNullable<Lengths['cut']['side']>;

/** Number of tokens of a text, or of the first of a pair, behind which all others would be cut off in any case; undefined where there is none. */
export function enough(isPair: boolean, { cut }: Lengths, absent: Side): number | undefined {
  const { length, side = absent, stride, strategy } = cut;
  return side === 'right' && stride === undefined && (!isPair || strategy === 'only_first') ? length : undefined;
}

/**
 * Windows of a's and b's tokens, with `specials` tokens of the template where special ones are wanted. Throws ARGUMENT where the special tokens alone are too
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
