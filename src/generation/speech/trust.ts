/** Whether what was written of a window is to be trusted: by how well its tokens compress, and how probable they are (Radford et al., arXiv 2212.04356, §4.5). */
import { HeedError } from '../../errors.js';
import type { Processor } from '../processors.js';

/** Bytes of tokens over their bytes behind zlib: repetitions have more. */
export async function compressionRatio(tokens: readonly number[], V: number): Promise<number> {
  if (typeof CompressionStream === 'undefined')
    throw new HeedError('UNSUPPORTED', 'This runtime has no CompressionStream, by which repetitions are found', {
      culprit: 'compression_ratio_threshold',
      cure: 'Leave compression_ratio_threshold out',
    });
  const each = Math.floor(Math.log2(V) / 8) + 1;
  const bytes = Uint8Array.from({ length: tokens.length * each }, (_, i) => (tokens[Math.floor(i / each)] as number) >> (8 * (i % each)));
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return bytes.length / (await new Response(packed).arrayBuffer()).byteLength;
}

const logSum = (scores: Float32Array): number => {
  const most = scores.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
  return most + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0));
};

/** The probability of a token by its score among all. */
export const probabilityOf = (scores: Float32Array, token: number): number => Math.exp((scores[token] as number) - logSum(scores));

/** Listens to the scores of one row, to tell how probable the tokens are that are taken. */
export class Confidence {
  #sum = 0;
  #count = 0;
  #last: Float32Array | undefined;

  /** For texts that are generated from their `first`-th token on. */
  readonly processor =
    (first: number): Processor =>
    (scores, ids) => {
      if (ids.length > first) this.#take(ids.at(-1) as number);
      this.#last = scores.slice();
    };

  #take(token: number): void {
    if (!this.#last) return;
    this.#sum += (this.#last[token] as number) - logSum(this.#last);
    this.#count++;
  }

  /** The mean log-probability of the tokens, the last of which nobody has been asked about since. */
  mean(last: number): number {
    this.#take(last);
    this.#last = undefined;
    return this.#sum / this.#count;
  }
}
