/**
 * Options of `generate` that are no plain data: the call's own processors and stopping criteria, in transformers.js's form, the response format, and the tokenizer,
 * which decodes tokens.
 */
import { HeedError, kindOf } from '../errors.js';
import { HostTensor } from '../tensor.js';
import type { GenerationConfig } from './config.js';
import type { Criterion } from './criteria.js';
import type { ResponseFormat } from './grammar/format.js';
import type { TokenSource } from './grammar/vocabulary.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';
import { type Constrains, constraintOf } from './response_format.js';
import type { TextDecoder } from './streamer.js';

/**
 * Changes the scores of a row's next token, [1, V]: in place, or by giving others. `input_ids` has the row's tokens so far, the prompt's first: one row, as numbers. It is called for each row of each
 * step, behind what the other options do, and before a draw's temperature.
 */
export type LogitsProcessorFunction = (input_ids: number[][], logits: HostTensor<Float32Array>) => unknown;
/** Stopping criterion, called behind each new token with `input_ids` of one row: returns `[true]`, or true, to end the row. */
export type StoppingCriteriaFunction = (input_ids: number[][]) => boolean[] | boolean;

/** transformers.js's base of processors: a class with `_call`. */
export abstract class LogitsProcessor {
  /** Changes the scores in place, or returns new ones. */
  abstract _call(input_ids: number[][], logits: HostTensor<Float32Array>): unknown;
}

/** transformers.js's base of criteria: a class with `_call`. */
export abstract class StoppingCriteria {
  /** Returns `true`, or `[true]`, to end the row. */
  abstract _call(input_ids: number[][]): boolean[] | boolean;
}

/** Stopping criterion that ends a text on request and keeps the text so far as the result; an AbortSignal rejects instead. */
export class InterruptableStoppingCriteria extends StoppingCriteria {
  /** `true` after `interrupt()`. */
  interrupted = false;

  /** Ends texts with their next token. */
  interrupt(): void {
    this.interrupted = true;
  }

  /** Lets texts continue. */
  reset(): void {
    this.interrupted = false;
  }

  /** The value of `interrupted`, for each row. */
  _call(input_ids: number[][]): boolean[] {
    return input_ids.map(() => this.interrupted);
  }
}

/** Options of `generate` that no file has. */
export interface OwnOptions {
  /** Format of the answer: JSON of a schema, a regular expression, one of several texts; needs `tokenizer`. Or the result of `constrain` of heed/structured. */
  response_format?: ResponseFormat | Constrains | undefined;
  /** Tokenizer, which `stop_strings` and `response_format` need. */
  tokenizer?: TokenSource | undefined;
  /** Processors of your own: functions, or objects of classes like LogitsProcessor; one or a list. */
  logits_processor?: LogitsProcessorFunction | LogitsProcessor | Iterable<LogitsProcessorFunction | LogitsProcessor> | undefined;
  /** Criteria of your own: functions, or objects of classes like StoppingCriteria; one or a list. */
  stopping_criteria?: StoppingCriteriaFunction | StoppingCriteria | Iterable<StoppingCriteriaFunction | StoppingCriteria> | undefined;
}

export const ownNames = ['response_format', 'tokenizer', 'logits_processor', 'stopping_criteria'];

/** Own options of a call in the form that sequences take. */
export interface Own {
  /** Makers of processors, each for a text whose generated part starts at token `begin`. */
  processors: readonly ((begin: number) => Processor)[];
  criteria: readonly Criterion[];
  tokenizer: TextDecoder | undefined;
}

type Called<Arguments extends unknown[], Result> = (...given: Arguments) => Result;

/** Functions out of one or several, which may be objects with `_call`. Throws ARGUMENT for others. */
function functionsOf<A extends unknown[], R>(name: string, given: unknown): Called<A, R>[] {
  const list: unknown[] = given === undefined ? [] : isIterable(given) ? [...given] : [given];
  return list.map((one) => {
    if (typeof one === 'function') return one as Called<A, R>;
    const { _call: call } = Object(one) as { _call?: Called<A, R> };
    if (typeof call === 'function') return (...args: A) => call.apply(one, args);
    throw new HeedError('ARGUMENT', `generate: ${name} holds ${kindOf(one)}`, {
      culprit: name,
      cure: 'Give functions, or objects with _call',
    });
  });
}

const isIterable = (value: unknown): value is Iterable<unknown> => typeof Object(value)[Symbol.iterator] === 'function';

function processorOf(run: LogitsProcessorFunction): Processor {
  return (scores, ids) => {
    const logits = new HostTensor('float32', scores.slice(), [1, scores.length]);
    const { data } = (run([[...ids]], logits) ?? logits) as Partial<HostTensor>;
    if (data?.length !== scores.length)
      throw new HeedError(
        'SHAPE',
        `generate: a logits_processor gave ${data?.length ?? 'no'} scores, and there are ${scores.length} tokens`,
        {
          culprit: 'logits_processor',
          cure: 'It must give [1, V], or change what it gets',
        },
      );
    scores.set(data);
  };
}

const criterionOf =
  (run: StoppingCriteriaFunction): Criterion =>
  (ids) =>
    [run([[...ids]])].flat()[0] === true;

/** Own options of a call, for all of its texts, by its plan. Throws ARGUMENT for invalid ones, and where the tokenizer is missing. */
export function ownOf(given: OwnOptions, plan: Plan): Own {
  const { response_format: format, tokenizer } = given;
  if (tokenizer !== undefined && typeof (tokenizer as { decode?: unknown } | null)?.decode !== 'function')
    throw new HeedError('ARGUMENT', `generate: tokenizer is ${kindOf(tokenizer)}`, { culprit: 'tokenizer', cure: 'Give a tokenizer' });
  if (plan.stop_strings.length && !tokenizer)
    throw new HeedError('ARGUMENT', 'generate: stop_strings needs the tokenizer', {
      culprit: 'tokenizer',
      cure: 'Give the tokenizer beside it',
    });
  const processors = functionsOf<Parameters<LogitsProcessorFunction>, unknown>('logits_processor', given.logits_processor);
  const criteria = functionsOf<Parameters<StoppingCriteriaFunction>, boolean>('stopping_criteria', given.stopping_criteria);
  const form = format === undefined ? undefined : constraintOf(format, tokenizer, plan.eos_token_id);
  return {
    tokenizer,
    criteria: criteria.map(criterionOf),
    // The format's processor comes last, so that no other one can allow a token that it forbids.
    processors: [...processors.map((run) => () => processorOf(run)), ...(form ? [(begin: number) => form.processor(begin)] : [])],
  };
}

/** The tokenizer's end token, for a call with a response format where neither the model nor the call names one. */
export const endOf = ({ response_format, tokenizer }: OwnOptions, own: GenerationConfig, asked: GenerationConfig): GenerationConfig =>
  response_format !== undefined &&
  own.eos_token_id === undefined &&
  asked.eos_token_id === undefined &&
  tokenizer?.eos_token_id !== undefined
    ? { ...asked, eos_token_id: tokenizer.eos_token_id }
    : asked;
