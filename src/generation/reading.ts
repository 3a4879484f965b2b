/** Reading of prompts in pieces, between which there is a rest for others. */
import type { Tensor } from '../tensor.js';
import { type Decoding, PIECE } from './job.js';

/** Tokens of each of several texts that are read at a time. */
const LEAST_PIECE = 16;
/** Yielded between pieces of prompts: the next piece is for another call of `engine.run`, so that no other request waits for all of them. */
export const REST = Symbol('rest');
/** Steps that pause, and rest between pieces. */
export type Reading<T> = Generator<unknown, T>;

/**
 * Reads texts of one length, a row each, in pieces, apart from the tokens already in the state: the logits [rows, V] behind the texts. `told` gets the number of tokens after each
 * piece; a piece is given up where `givesWay` says so, and read anew after a rest.
 */
export function* readInto(
  decoding: Decoding,
  texts: readonly (readonly number[])[],
  told: (tokens: number) => void = () => {},
  givesWay: () => boolean = () => false,
): Reading<Tensor> {
  const T = (texts[0] as readonly number[]).length;
  const width = Math.max(LEAST_PIECE, Math.floor(PIECE / texts.length));
  let from = decoding.length;
  told(from * texts.length);
  for (;;) {
    const to = from + width;
    const tokens = Int32Array.from(texts.flatMap((ids) => ids.slice(from, to)));
    const logits = yield* interruptible(decoding.step(tokens, texts.length, Number(to >= T)), givesWay);
    if (logits) {
      told(tokens.length);
      if (to >= T) return logits;
      from = to;
    }
    yield REST;
  }
}

/** A step, or undefined where it is given up at one of its pauses: a state forgets a step that did not come to its end. */
function* interruptible(step: Generator<void, Tensor>, givesWay: () => boolean): Generator<void, Tensor | undefined> {
  try {
    for (;;) {
      const { done, value } = step.next();
      if (done) return value;
      if (givesWay()) return undefined;
      yield;
    }
  } finally {
    step.return(undefined as never);
  }
}
