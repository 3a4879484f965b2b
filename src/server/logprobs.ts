/** Log-probabilities of tokens as OpenAI's API tells them. */
import { MARK, vocabularyOf } from '../generation/grammar/vocabulary.js';
import type { TokenLogprob } from '../generation/sequence.js';
import type { CallableTokenizer } from '../text/tokenizer.js';

/** A token, its probability, and its bytes, which may be a part of a character. */
export interface TokenTold {
  token: string;
  logprob: number;
  bytes: number[];
}

/** JSON has no −∞. */
const LEAST = -9999;

/** Writer of tokens by a tokenizer. */
export function tokenWriter(tokenizer: CallableTokenizer): (id: number, logprob: number) => TokenTold {
  const { tokens } = vocabularyOf(tokenizer);
  const decoder = new TextDecoder();
  return (id, logprob) => {
    const bytes = Array.from(tokens[id] ?? '', (byte) => byte.charCodeAt(0)).filter((byte) => byte !== MARK);
    return { token: decoder.decode(Uint8Array.from(bytes)), logprob: Math.max(LEAST, logprob), bytes };
  };
}

/** Entries of a chat answer's `logprobs.content`. */
export function contentOf(tokenizer: CallableTokenizer, logprobs: readonly TokenLogprob[], most: number) {
  const told = tokenWriter(tokenizer);
  return logprobs.map(({ token, logprob, top }) => ({
    ...told(token, logprob),
    top_logprobs: top.slice(0, most).map((one) => told(one.token, one.logprob)),
  }));
}
