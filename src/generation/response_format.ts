/**
 * `response_format`: answers that must be of a form. The grammars are heed/structured's, which a program has or does without: formats as plain data are for those that have
 * registered it, and whoever calls `constrain` can give what comes of it.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ConstrainOptions, GrammarProcessor } from './grammar/constrain.js';
import type { ResponseFormat } from './grammar/format.js';
import type { TokenSource } from './grammar/vocabulary.js';

/** What a format makes of a tokenizer: a processor for texts whose first `prompt` tokens are not of the answer. */
export interface Constrains {
  /** Gives −∞ to the scores of tokens that must not come. */
  processor(prompt: number): GrammarProcessor;
}

/** `constrain` of heed/structured. */
export type Constrain = (tokenizer: TokenSource, format: ResponseFormat, options: ConstrainOptions) => Constrains;

let registered: Constrain | undefined;

/** From now on `response_format` may be plain data: `registerResponseFormats(constrain)`, with `constrain` of heed/structured. `heed` has done so in Node, Deno and Bun, and in the worker of a page. */
export function registerResponseFormats(constrain: Constrain): void {
  registered = constrain;
}

const isMade = (format: ResponseFormat | Constrains): format is Constrains =>
  typeof (format as Constrains | null)?.processor === 'function';

/** A format for a tokenizer, whose texts end with `eos`. Throws ARGUMENT without a tokenizer and for formats that cannot be, UNSUPPORTED where grammars are not registered. */
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
