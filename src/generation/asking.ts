/** Options of `model.generate` beside the generation config, for every kind of model, and the members of its result. */
import { HeedError, kindOf } from '../errors.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import { type GenerationConfig, generationOptionNames } from './config.js';
import { type OwnOptions, ownNames } from './own.js';
import type { Found, Streamer, TokenLogprob } from './sequence.js';

/** Options of `generate`: how a text is written, and what the result tells of it. */
export interface Asking extends GenerationConfig, OwnOptions {
  /** Receives tokens as they are generated, for example a TextStreamer. For one sequence, without beams. */
  streamer?: Streamer | undefined;
  /** `true`: the result is an object. Default false: the result is its `sequences` alone. */
  return_dict_in_generate?: boolean | undefined;
  /** Attention weights, computed by one more forward pass over the generated sequences. */
  output_attentions?: boolean | undefined;
  /** Hidden states, computed by the same forward pass as attention weights. */
  output_hidden_states?: boolean | undefined;
  /** Scores by which each step chose its token. With beams also the sequences' own scores, which the result has in any case. */
  output_scores?: boolean | undefined;
  /** The model's scores at each step, before the options change them. */
  output_logits?: boolean | undefined;
  /** Tells how probable each new token was, and of so many alternatives; without beams. */
  logprobs?: number | undefined;
  /** Ends the generation, which rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Results of a search. */
export interface Told {
  /** Generated sequences, int32 [B · num_return_sequences, T], an example's one after the other, padded with pad_token_id. */
  sequences: HostTensor;
  /** Scores of the sequences, float32 [B · num_return_sequences], with beams: a token's mean log-probability, where length_penalty is 1. */
  sequences_scores?: HostTensor;
  /** Rows of `scores` in which the tokens were chosen, int32 [B · num_return_sequences, new tokens], with beams; −1 behind a sequence's last token. */
  beam_indices?: HostTensor;
  /** Processed scores [rows, V] of each step: logits, or log-probabilities with beams. Rows are B · num_beams, or B · num_return_sequences without beams. */
  scores?: HostTensor[];
  /** Scores of each step before processing, [rows, V]. */
  logits?: HostTensor[];
  /** Log-probabilities of each sequence's new tokens, with `logprobs`: those of the model alone, before options change the scores. */
  logprobs?: TokenLogprob[][];
}

/** Options that add members to a result that is an object. */
const outputNames = ['output_attentions', 'output_hidden_states', 'output_scores', 'output_logits'] as const;
const callNames = ['streamer', 'return_dict_in_generate', 'logprobs', 'signal'];
export const generateOptionNames: readonly string[] = /* @__PURE__ */ callNames.concat(ownNames, outputNames, generationOptionNames);

/** Largest number of alternatives that `logprobs` accepts. */
const MOST_LOGPROBS = 1000;

/** Sorts a call's options by purpose. Throws ARGUMENT for options that would have no effect. */
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

/** Throws ARGUMENT for a value that is no streamer, for more than one sequence, and for beam search. */
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

/** Log-probabilities of each sequence's tokens, where the call asked for them. */
export const logprobsOf = (found: readonly Found[], asked: number | undefined): { logprobs?: TokenLogprob[][] } =>
  asked === undefined ? {} : { logprobs: found.map(({ logprobs = [] }) => [...logprobs]) };
