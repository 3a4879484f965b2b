/**
 * The perplexity of a text, exp(the mean of −ln p(token | those before it)), counted as llama.cpp's perplexity tool counts it: the text's tokens are cut into chunks of
 * `context`, and a shorter rest is left out; each chunk is read by itself, and only its second half is scored, so that every scored token has half a chunk before
 * it. For a model whose texts begin with a special token, that token replaces the first of each chunk.
 */
import { HeedError } from '../errors.js';
import { exp } from '../math.js';
import type { Decoder } from '../models/decoder.js';
import { predictionSums } from '../ops/loss.js';
import { tensor } from '../tensor.js';

/** Perplexity of a language model on a text, with its error and counts. */
export interface Perplexity {
  /** exp(the mean loss of the scored tokens), in nats. */
  perplexity: number;
  /** Standard error of the perplexity, from the spread of the tokens' losses. */
  standard_error: number;
  /** Number of scored tokens. */
  tokens: number;
  /** Number of chunks that were read. */
  chunks: number;
  /** Number of tokens of a chunk. */
  context: number;
}

/** Sums over the chunks so far. */
interface Sums {
  loss: number;
  squares: number;
  tokens: number;
  chunks: number;
}

/** Number of tokens that are scored at once: their logits take most of the memory. */
const PIECE = 64;

/** Adds a chunk of tokens to the sums, yielding after each block. `bos` replaces the chunk's first token. */
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

/** Perplexity from sums. */
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
