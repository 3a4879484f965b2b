/**
 * The perplexity of a text, exp(the mean of −ln p(token | those before it)), counted as llama.cpp's perplexity tool counts it: the text's tokens are cut into chunks of
 * `context`, and what is left over is passed over; each chunk is read by itself, and its second half alone is scored, so that every token that counts has half a chunk before
 * it. A model that begins its texts with a token finds that in place of each chunk's first.
 */
import { HeedError } from '../errors.js';
import { exp } from '../math.js';
import type { Decoder } from '../models/decoder.js';
import { predictionSums } from '../ops/loss.js';
import { tensor } from '../tensor.js';

/** How surprised a language model is by a text. */
export interface Perplexity {
  /** exp(the mean loss of the tokens that count). */
  perplexity: number;
  /** The standard error of that, from how much the losses of tokens differ. */
  standard_error: number;
  /** How many tokens count. */
  tokens: number;
  /** How many chunks were read, and of how many tokens each. */
  chunks: number;
  /** Tokens of a chunk. */
  context: number;
}

/** What the chunks so far add up to. */
interface Sums {
  loss: number;
  squares: number;
  tokens: number;
  chunks: number;
}

/** Tokens that are scored at once: their logits are what takes memory. */
const PIECE = 64;

/** Adds a chunk of tokens to the sums, yielding after each block. `bos` is what the model finds in place of the first. */
export function* scoreChunk(module: Decoder, chunk: Int32Array, bos: number | undefined, sums: Sums): Generator<void, void> {
  const { engine } = module;
  const context = chunk.length;
  const read = chunk.with(0, bos ?? (chunk[0] as number));
  const first = Math.floor(context / 2);
  const state = module.start(context - 1);
  try {
    for (let at = 0; at < context - 1; ) {
      const end = at < first ? first : Math.min(context - 1, at + PIECE);
      const { logits } = yield* module.decode(read.slice(at, end), [1, end - at], state, at < first ? { last: 1 } : {});
      if (at >= first) {
        const found = engine.scope(() => ({ ...predictionSums(logits, tensor(engine, chunk.slice(at + 1, end + 1), [1, end - at])) }));
        sums.loss += found.loss;
        sums.squares += found.squares;
        sums.tokens += found.targets;
      }
      logits.dispose();
      at = end;
    }
    sums.chunks++;
  } finally {
    state.dispose();
  }
}

/** What sums make. */
export function perplexityOf({ loss, squares, tokens, chunks }: Sums, context: number): Perplexity {
  const mean = loss / tokens;
  const variance = Math.max(0, squares / tokens - mean * mean);
  const perplexity = exp(mean);
  return { perplexity, standard_error: perplexity * Math.sqrt(variance / Math.max(1, tokens - 1)), tokens, chunks, context };
}

/** Chunks of a text of so many tokens. Throws ARGUMENT for a context that is none, and a text of less than two, of which llama.cpp makes nothing either. */
export function chunksIn(tokens: number, context: number, positions: number): number {
  if (!(Number.isSafeInteger(context) && context >= 4 && context <= positions))
    throw new HeedError('ARGUMENT', `perplexity: context is ${context}`, {
      culprit: 'context',
      cure: `It is a whole number of tokens from 4 to ${positions}, which the model can take`,
    });
  if (tokens < 2 * context)
    throw new HeedError('ARGUMENT', `perplexity: the text has ${tokens} tokens, which is less than two chunks of ${context}`, {
      culprit: 'text',
      cure: 'Give a longer text, or a smaller context',
    });
  return Math.floor(tokens / context);
}
