/**
 * `response_format`: answers that must follow a format. The grammars are those of heed/structured, which a bundle may leave out: formats as plain data need it registered, while
 * the result of `constrain` can be given without registration.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ConstrainOptions, GrammarProcessor } from './grammar/constrain.js';
import type { ResponseFormat } from './grammar/format.js';
import type { TokenSource } from './grammar/vocabulary.js';

/** Constraint of a format for one tokenizer: makes a processor for texts whose first `prompt` tokens are not part of the answer. */
export interface Constrains {
  /** Makes a processor that sets the scores of tokens that must not come to −∞. */
  processor(prompt: number): GrammarProcessor;
}

/** `constrain` of heed/structured. */
export type Constrain = (tokenizer: TokenSource, format: ResponseFormat, options: ConstrainOptions) => Constrains;

let registered: Constrain | undefined;

/** Registers the grammars, so that `response_format` may be plain data: `registerResponseFormats(constrain)`, with `constrain` of heed/structured. `heed` does so itself in Node, Deno and Bun, and in a page's worker. */
export function registerResponseFormats(constrain: Constrain): void {
  registered = constrain;
}

const isMade = (format: ResponseFormat | Constrains): format is Constrains =>
  typeof (format as Constrains | null)?.processor === 'function';

/** Constraint of a format for a tokenizer, whose texts end with the tokens `eos`. Throws ARGUMENT without a tokenizer and for invalid formats, UNSUPPORTED where grammars are not registered. */
export function constraintOf(format: ResponseFormat | Constrains, tokenizer: TokenSource | undefined, eos: readonly number[]): Constrains {
  if (isMade(format)) return format;
  if (!registered)
    throw new HeedError('UNSUPPORTED', 'generate: response_format needs heed/structured, which this program does not have', {
      culprit: 'response_format',
      cure: 'Import constrain, which heed/structured has, and registerResponseFormats(constrain)',
    });
  if (!tokenizer)
    throw new HeedError('ARGUMENT', `generate: response_format needs the tokenizer, which is ${kindOf(tokenizer)}`, {
      culprit: 'tokenizer',
      cure: 'Give the tokenizer beside it',
    });
  return registered(tokenizer, format, eos.length ? { eos_token_id: eos } : {});
}
