/** What `model.generate` is asked beside its inputs, whatever kind of model writes, and what it tells. */
import { HeedError, kindOf } from '../errors.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import { type GenerationConfig, generationOptionNames } from './config.js';
import { type OwnOptions, ownNames } from './own.js';
import type { Found, Streamer, TokenLogprob } from './sequence.js';

/** How a text is written, and what of it is told. */
export interface Asking extends GenerationConfig, OwnOptions {
  /** Hears of tokens as they come: a TextStreamer. For one sequence, without beams. */
  streamer?: Streamer | undefined;
  /** Whether the result is an object. Default false: it is its `sequences`. */
  return_dict_in_generate?: boolean | undefined;
  /** Attention weights, of one more forward over what was generated. */
  output_attentions?: boolean | undefined;
  /** Hidden states, of the same forward. */
  output_hidden_states?: boolean | undefined;
  /** The scores that each step chose by; and, of beams, the sequences' own, which the result has in any case. */
  output_scores?: boolean | undefined;
  /** The model's scores at each step, before the options change them. */
  output_logits?: boolean | undefined;
  /** Tells how probable each new token was, and of so many alternatives; without beams. */
  logprobs?: number | undefined;
  /** Ends the generation, which rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** What a search tells. */
export interface Told {
  /** int32 [B · num_return_sequences, T], an example's sequences one after the other; pad_token_id fills them up. */
  sequences: HostTensor;
  /** float32 [B · num_return_sequences], with beams: the mean log-probability of a token, where length_penalty is 1. */
  sequences_scores?: HostTensor;
  /** int32 [B · num_return_sequences, new tokens], with beams: the row of `scores` that each token was chosen in; −1 behind the last. */
  beam_indices?: HostTensor;
  /** Of each step, [rows, V], processed: logits, or, of beams, log-probabilities. Rows are B · num_beams, or B · num_return_sequences without beams. */
  scores?: HostTensor[];
  /** The same before it was processed. */
  logits?: HostTensor[];
  /** Of each sequence's new tokens, with `logprobs`: by the model alone, whatever the options made of it. */
  logprobs?: TokenLogprob[][];
}

/** What a result that is an object may hold beside its sequences. */
const outputNames = ['output_attentions', 'output_hidden_states', 'output_scores', 'output_logits'] as const;
const callNames = ['streamer', 'return_dict_in_generate', 'logprobs', 'signal'];
export const generateOptionNames: readonly string[] = /* @__PURE__ */ callNames.concat(ownNames, outputNames, generationOptionNames);

/** As many alternatives as anybody looks at. */
const MOST_LOGPROBS = 1000;

/** A call's options by what they are for. Throws ARGUMENT for those that would have no effect. */
export function askedOf(given: Asking) {
  const { signal, streamer, logprobs, return_dict_in_generate: asObject = false } = given;
  type Wants = Record<(typeof outputNames)[number], boolean>;
  const wants = Object.fromEntries(outputNames.map((name) => [name, given[name] ?? false])) as Wants;
  expectBooleans('generate', { return_dict_in_generate: asObject, ...wants });
  if (logprobs !== undefined && !(Number.isInteger(logprobs) && logprobs >= 0 && logprobs <= MOST_LOGPROBS))
    throw new HeedError('ARGUMENT', `generate: logprobs is ${kindOf(logprobs)}`, {
      culprit: 'logprobs',
      cure: `It must be a whole number from 0 to ${MOST_LOGPROBS}`,
    });
  const wanted = logprobs === undefined ? outputNames.find((name) => wants[name]) : 'logprobs';
  if (wanted && !asObject)
    throw new HeedError('ARGUMENT', `generate: ${wanted} would have no effect`, {
      culprit: wanted,
      cure: 'Give return_dict_in_generate: true',
    });
  const asked: GenerationConfig = Object.fromEntries(generationOptionNames.map((name) => [name, given[name]]));
  const kept = { ...(wants.output_logits && { logits: [] as HostTensor[] }), ...(wants.output_scores && { scores: [] as HostTensor[] }) };
  return { asked, signal, streamer, logprobs, asObject, wants, kept };
}

/** Throws ARGUMENT for what is no streamer, and where there is more, or less, than it can tell of. */
export function checkStreamer(streamer: Streamer, sequences: number, num_beams: number): void {
  const wrong = (what: string, cure: string) => new HeedError('ARGUMENT', `generate: ${what}`, { culprit: 'streamer', cure });
  if (typeof streamer?.put !== 'function' || typeof streamer.end !== 'function')
    throw wrong(`streamer is ${kindOf(streamer)}`, 'Give a TextStreamer');
  if (num_beams > 1) throw wrong('beam search has nothing to tell before its end', 'Give num_beams: 1, or no streamer');
  if (sequences !== 1) throw wrong(`a streamer tells of one sequence, not of ${sequences}`, 'Generate for one text at a time');
}

/** Throws ARGUMENT where beams are asked for probabilities: they have those of `sequences_scores`. */
export function checkLogprobs(logprobs: number | undefined, num_beams: number): void {
  if (logprobs === undefined || num_beams === 1) return;
  throw new HeedError('ARGUMENT', 'generate: logprobs tells nothing of beams', {
    culprit: 'logprobs',
    cure: 'Give num_beams: 1, or output_scores, of which beam_indices name the rows',
  });
}

/** What is told of each sequence's tokens. */
export const logprobsOf = (found: readonly Found[], asked: number | undefined): { logprobs?: TokenLogprob[][] } =>
  asked === undefined ? {} : { logprobs: found.map(({ logprobs = [] }) => [...logprobs]) };
