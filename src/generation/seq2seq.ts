/**
 * AutoModelForSeq2SeqLM: a model that reads one text and writes another, in transformers.js's idiom. `model(inputs)` scores a given text, `model.generate`
 * writes one. Calls on one engine queue, and yield to the event loop between blocks.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { JsonNode, type JsonObject, readJson } from '../io/json.js';
import { callable } from '../models/callable.js';
import type { DecoderState } from '../models/decoder_state.js';
import type { EncoderDecoder, SourceInputs } from '../models/encoder_decoder.js';
import { type IntegerInput, integers, integersLike, lengthsOf, within } from '../models/inputs.js';
import { type CallOptions, checkPretrained, LoadedModel, type TrainableOptions, trainableOptionNames } from '../models/model.js';
import { loadPretrained, type Origin } from '../models/pretrained.js';
import { withRoom } from '../models/room.js';
import { expectBooleans } from '../ops/check.js';
import { contiguous, narrow } from '../ops/shape.js';
import { HostTensor, type Tensor } from '../tensor.js';
import { type GenerationConfig, generationOptionNames, readGenerationConfig } from './config.js';
import { search } from './generate.js';
import { planOf } from './plan.js';
import type { Decoding, Found, Streamer } from './search.js';

export interface Seq2SeqInputs {
  /** The source, [B, S]. */
  input_ids: IntegerInput;
  /** 1 for tokens, of which every row has one at least, 0 for padding, which stands on the right. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** What the text begins with, [B, T]. `generate` puts decoder_start_token_id before it. */
  decoder_input_ids?: IntegerInput | undefined;
  /** Tokenizers give them; they must be 0. */
  token_type_ids?: IntegerInput | undefined;
}

export interface Seq2SeqOutput {
  /** The score of each token that may come next, [B, T, V]. */
  logits: HostTensor;
  /** [B, S, C] */
  encoder_last_hidden_state: HostTensor;
  /** Of each block, when asked for: [B, H, S, S], [B, H, T, T], [B, H, T, S]. */
  encoder_attentions?: HostTensor[];
  decoder_attentions?: HostTensor[];
  cross_attentions?: HostTensor[];
  /** The embeddings and every block's output, when asked for: [B, S, C], [B, T, C]. */
  encoder_hidden_states?: HostTensor[];
  decoder_hidden_states?: HostTensor[];
}

export interface GenerateOptions extends Seq2SeqInputs, GenerationConfig {
  /** Hears of tokens as they come: a TextStreamer. For one sequence, without beams. */
  streamer?: Streamer | undefined;
  /** Whether the result is an object. Default false: it is its `sequences`. */
  return_dict_in_generate?: boolean | undefined;
  /** Attention weights, of one more forward over what was generated. */
  output_attentions?: boolean | undefined;
  /** Beam search's scores, which the result has in any case. */
  output_scores?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface GenerateOutput {
  /** int32 [B · num_return_sequences, T], an example's sequences one after the other; pad_token_id fills them up. */
  sequences: HostTensor;
  /** float32 [B · num_return_sequences], with beams: the mean log-probability of a token, where length_penalty is 1. */
  sequences_scores?: HostTensor;
  /** As a forward over the sequences gives them, [B · num_return_sequences, H, T, T or S] of each block; the encoder's [B, H, S, S]. */
  encoder_attentions?: HostTensor[];
  decoder_attentions?: HostTensor[];
  cross_attentions?: HostTensor[];
}

const inputNames = ['input_ids', 'attention_mask', 'decoder_input_ids', 'token_type_ids'];
const callNames = ['streamer', 'return_dict_in_generate', 'output_attentions', 'output_scores', 'signal'];
export const generateOptionNames: readonly string[] = /* @__PURE__ */ callNames.concat(generationOptionNames);

/** What only a call without `return_dict_in_generate` gives. */
type Generate = {
  (options: GenerateOptions & { return_dict_in_generate: true }, wishes?: GenerationConfig): Promise<GenerateOutput>;
  (options: GenerateOptions, wishes?: GenerationConfig): Promise<HostTensor>;
};

/** In a page the model lives in a worker: then `engine` and `module` cannot be reached, and say so. */
export type Seq2SeqLM = Omit<Seq2SeqModel, 'generate'> &
  ((inputs: Seq2SeqInputs, options?: CallOptions) => Promise<Seq2SeqOutput>) & { generate: Generate };

export class Seq2SeqModel extends LoadedModel {
  static readonly optionNames = trainableOptionNames;

  constructor(
    engine: Engine,
    config: JsonObject,
    /** What the model's files ask of a generation. */
    readonly generation_config: GenerationConfig,
    readonly module: EncoderDecoder,
    origin?: Origin,
  ) {
    super(engine, config, module, origin);
  }

  /** Loads a folder's config.json, generation_config.json and weights. */
  static async load(engine: Engine, model: string | Folder, options: TrainableOptions = {}): Promise<Seq2SeqLM> {
    checkPretrained(options, trainableOptionNames);
    const { trainable } = options;
    const folder = folderOf(engine.runtime, model);
    const { config, module, origin } = await loadPretrained(engine, folder, 'encoder-decoder', options, { trainable });
    try {
      const file = 'generation_config.json';
      const json = await readJson(folder, file, { signal: options.signal, optional: true });
      const node = json === undefined ? undefined : JsonNode.of(folder.locate(file), json);
      const own = readGenerationConfig(config, node);
      return callable(new Seq2SeqModel(engine, config.value, own, module, origin), [
        'run',
        'generate',
        'save_pretrained',
      ]) as unknown as Seq2SeqLM;
    } catch (error) {
      module.dispose();
      throw error;
    }
  }

  /** The scores of a given text: one forward. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call(inputs: Seq2SeqInputs, options: CallOptions = {}): Promise<Seq2SeqOutput> {
    checkOptions(inputs, inputNames, 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal } = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const source = this.#source(inputs);
    const target = this.#target(inputs, source.shape[0]);
    if (!target)
      throw new HeedError('ARGUMENT', 'The model scores a text, and there is none', {
        culprit: 'decoder_input_ids',
        cure: 'Give decoder_input_ids, or let generate() write one',
      });
    const { module } = this;
    const wants = { attentions, hiddenStates };
    return this.run(function* () {
      const encoded = yield* withRoom(module.engine, source.shape, () => module.encode(source, wants));
      const state = module.start(encoded.lastHiddenState, source.lengths);
      try {
        const decoded = yield* module.decode(target.data, target.dims, state, wants);
        const result: Seq2SeqOutput = { logits: decoded.logits.toHost(), encoder_last_hidden_state: encoded.lastHiddenState.toHost() };
        if (attentions)
          Object.assign(result, {
            encoder_attentions: toHost(encoded.attentions),
            decoder_attentions: toHost(decoded.attentions),
            cross_attentions: toHost(decoded.crossAttentions),
          });
        if (hiddenStates)
          Object.assign(result, {
            encoder_hidden_states: toHost(encoded.hiddenStates),
            decoder_hidden_states: toHost(decoded.hiddenStates),
          });
        return result;
      } finally {
        state.dispose();
      }
    }, signal);
  }

  /**
   * Writes a text for each source, by transformers' options: see docs/generation.md. Rejects with ARGUMENT for options that contradict each other,
   * UNSUPPORTED for those that heed does not have, NUMERIC where no token can come next, or `signal.reason`. `wishes` hold where the call says nothing.
   */
  async generate(given: GenerateOptions, wishes: GenerationConfig = this.generation_config): Promise<HostTensor | GenerateOutput> {
    checkOptions(given, [...inputNames, ...generateOptionNames], 'generate');
    const { signal, streamer } = given;
    const { return_dict_in_generate: asObject = false, output_attentions: attentions = false, output_scores = false } = given;
    expectBooleans('generate', { return_dict_in_generate: asObject, output_attentions: attentions, output_scores });
    const source = this.#source(given);
    const B = source.shape[0];
    const starts = this.#target(given, B);
    const options = Object.fromEntries(generationOptionNames.map((name) => [name, given[name]]));
    const first = Array.from({ length: B }, (_, b) => (starts ? rowOf(starts.data, b, starts.dims[1]) : []));
    const plan = planOf(wishes, options, first, this.module.dims);
    for (const [name, wanted] of Object.entries({ output_attentions: attentions, output_scores }))
      if (wanted && !asObject) throw idle(name, 'Give return_dict_in_generate: true');
    if (output_scores && plan.num_beams === 1) throw idle('output_scores', 'Give num_beams: scores are those of beam search');
    if (streamer !== undefined) checkStreamer(streamer, B * plan.num_return_sequences, plan.num_beams);
    const sources = first.map((_, b) => rowOf(source.ids, b, source.shape[1]).slice(0, source.lengths?.[b]));
    const { engine, module } = this;
    const result = await this.run(function* () {
      const encoded = yield* withRoom(engine, source.shape, () => module.encode(source, { attentions }));
      const state = module.start(encoded.lastHiddenState, source.lengths);
      let found: Found[];
      try {
        found = yield* search(new ModelDecoding(module, state), { engine, plan, sources, streamer });
      } finally {
        state.dispose();
      }
      const output: GenerateOutput = { sequences: sequencesOf(found, plan.pad_token_id) };
      if (plan.num_beams > 1)
        output.sequences_scores = new HostTensor(
          'float32',
          Float32Array.from(found, ({ score }) => score as number),
          [found.length],
        );
      if (attentions) {
        output.encoder_attentions = toHost(encoded.attentions);
        Object.assign(output, yield* attentionsOver(module, output.sequences, encoded.lastHiddenState, source.lengths));
      }
      return output;
    }, signal);
    return asObject ? result : result.sequences;
  }

  #source(inputs: Seq2SeqInputs): SourceInputs {
    const { data: ids, dims: shape } = integers('input_ids', inputs.input_ids);
    within('input_ids', ids, this.module.dims.sourceV);
    if (integersLike('token_type_ids', inputs.token_type_ids, shape)?.some((type) => type !== 0))
      throw new HeedError('ARGUMENT', 'token_type_ids holds another number than 0', {
        culprit: 'token_type_ids',
        cure: 'This model has no types',
      });
    const mask = integersLike('attention_mask', inputs.attention_mask, shape);
    if (!mask) return { ids, shape };
    const lengths = lengthsOf(mask, shape);
    if (lengths) return { ids, shape, lengths };
    throw new HeedError('UNSUPPORTED', 'attention_mask pads elsewhere than on the right', {
      culprit: 'attention_mask',
      cure: 'Pad on the right',
    });
  }

  #target({ decoder_input_ids: given }: Seq2SeqInputs, B: number): { data: Int32Array; dims: readonly [number, number] } | undefined {
    if (given === undefined || given === null) return undefined;
    const target = integers('decoder_input_ids', given);
    if (target.dims[0] !== B)
      throw new HeedError('SHAPE', `decoder_input_ids has ${target.dims[0]} rows, input_ids ${B}`, {
        culprit: 'decoder_input_ids',
        shape: target.dims,
      });
    within('decoder_input_ids', target.data, this.module.dims.V);
    return target;
  }
}

/** A model as a search sees it. */
class ModelDecoding implements Decoding {
  constructor(
    readonly module: EncoderDecoder,
    readonly state: DecoderState,
  ) {}

  *step(tokens: Int32Array, rows: number): Generator<void, Tensor> {
    const T = tokens.length / rows;
    const { logits } = yield* this.module.decode(tokens, [rows, T], this.state);
    const shape = [rows, logits.dim(2)];
    if (T === 1) return logits.view(shape);
    const last = this.module.engine.scope(() => contiguous(narrow(logits, 1, T - 1, 1)));
    // Of one row it is a view.
    if (last.storage !== logits.storage) logits.dispose();
    return last.view(shape);
  }

  reorder(rows: readonly number[]): void {
    this.state.reorder(rows);
  }
}

/** The decoder's attentions over whole sequences: each example's, `states` being a row for each example. */
function* attentionsOver(
  module: EncoderDecoder,
  { data, dims }: HostTensor,
  states: Tensor,
  lengths: readonly number[] | undefined,
): Generator<void, Pick<GenerateOutput, 'decoder_attentions' | 'cross_attentions'>> {
  const [rows, T] = dims as [number, number];
  const state = module.start(states, lengths);
  try {
    state.reorder(Array.from({ length: rows }, (_, row) => Math.floor((row * states.dim(0)) / rows)));
    const { attentions, crossAttentions } = yield* module.decode(data as Int32Array, [rows, T], state, { attentions: true });
    return { decoder_attentions: toHost(attentions), cross_attentions: toHost(crossAttentions) };
  } finally {
    state.dispose();
  }
}

/** Side by side, filled up to the longest. */
function sequencesOf(found: readonly Found[], pad: number): HostTensor {
  const T = found.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const data = new Int32Array(found.length * T).fill(pad);
  for (const [row, { ids }] of found.entries()) data.set(ids, row * T);
  return new HostTensor('int32', data, [found.length, T]);
}

const toHost = (tensors: readonly Tensor[]): HostTensor[] => tensors.map((x) => x.toHost());

const rowOf = (data: Int32Array, row: number, width: number): number[] => [...data.subarray(row * width, (row + 1) * width)];

const idle = (name: string, cure: string) => new HeedError('ARGUMENT', `generate: ${name} would have no effect`, { culprit: name, cure });

function checkStreamer(streamer: Streamer, sequences: number, num_beams: number): void {
  const wrong = (what: string, cure: string) => new HeedError('ARGUMENT', `generate: ${what}`, { culprit: 'streamer', cure });
  if (typeof streamer?.put !== 'function' || typeof streamer.end !== 'function')
    throw wrong(`streamer is ${kindOf(streamer)}`, 'Give a TextStreamer');
  if (num_beams > 1) throw wrong('beam search has nothing to tell before its end', 'Give num_beams: 1, or no streamer');
  if (sequences !== 1) throw wrong(`a streamer tells of one sequence, not of ${sequences}`, 'Generate for one text at a time');
}
