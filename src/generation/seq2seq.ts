/**
 * AutoModelForSeq2SeqLM: a model that reads one text and writes another, in transformers.js's idiom. `model(inputs)` scores a given text, `model.generate`
 * writes one. Calls on one engine queue, and yield to the event loop between blocks.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { JsonNode, type JsonObject, readJson } from '../io/json.js';
import { callable } from '../models/callable.js';
import type { EncoderDecoder, SourceInputs, Wants } from '../models/encoder_decoder.js';
import { type IdTensor, type IntegerInput, integers, integersLike, namedIds, within } from '../models/inputs.js';
import { type CallOptions, LoadedModel } from '../models/model.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from '../models/options.js';
import { loadPretrained } from '../models/pretrained.js';
import { withRoom } from '../models/room.js';
import type { Origin } from '../models/save.js';
import { inPlace, sourceOf } from '../models/source.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor } from '../tensor.js';
import { type Asking, askedOf, checkLogprobs, checkStreamer, generateOptionNames, logprobsOf, type Told } from './asking.js';
import { type GenerationConfig, readGenerationConfig } from './config.js';
import { beamsOf, type Insights, insightsOver, ModelDecoding, rowsOf } from './decoding.js';
import { Loop } from './loop.js';
import { endOf, ownOf } from './own.js';
import { planOf, startsOf } from './plan.js';
import { streamOf, type TextStream } from './stream.js';

/** A source and the text that it becomes, as a tokenizer gives them: token ids [B, S] and [B, T]. */
export interface Seq2SeqInputs {
  /** The source, [B, S]. */
  input_ids: IntegerInput;
  /** 1 for tokens, of which every row has one at least, 0 for padding, wherever it stands. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** What the text begins with, [B, T]. `generate` puts decoder_start_token_id before it. */
  decoder_input_ids?: IntegerInput | undefined;
  /** Tokenizers give them; they must be 0. */
  token_type_ids?: IntegerInput | undefined;
}

/** What is asked for beside it is that of each block. */
export interface Seq2SeqOutput extends Insights {
  /** The score of each token that may come next, [B, T, V]. */
  logits: HostTensor;
  /** [B, S, C] */
  encoder_last_hidden_state: HostTensor;
}

/** Options of `model.generate`: the source, how it is written, and what of it is told. */
export interface GenerateOptions extends Seq2SeqInputs, Asking {}

/** Insights are those of a forward over the sequences: rows are B · num_return_sequences. */
export interface GenerateOutput extends Insights, Told {}

const inputNames = ['input_ids', 'attention_mask', 'decoder_input_ids', 'token_type_ids'];
/** What only a call without `return_dict_in_generate` gives. */
export type Generate = {
  /** With `return_dict_in_generate` the sequences and what was asked for beside them. */
  (
    options: GenerateOptions & {
      /** An object is given. */
      return_dict_in_generate: true;
    },
    wishes?: GenerationConfig,
  ): Promise<GenerateOutput>;
  /** The sequences, int32 [B · num_return_sequences, T]. `input_ids` alone will do. */
  (options: GenerateOptions | IdTensor, wishes?: GenerationConfig): Promise<HostTensor>;
};

/** In a page the model lives in a worker: then `engine` and `module` cannot be reached, and say so. */
export type Seq2SeqLM = Omit<Seq2SeqModel, 'generate'> &
  ((inputs: Seq2SeqInputs, options?: CallOptions) => Promise<Seq2SeqOutput>) & {
    /**
     * Writes a text for each source, by transformers' options. Rejects with ARGUMENT for options that contradict each other, UNSUPPORTED for those that heed does not have,
     * NUMERIC where no token can come next, or `signal.reason`.
     * @example const ids = await model.generate({ ...tokenizer('Hello.'), num_beams: 4 }); // int32 [1, T]
     */
    generate: Generate;
  };

/**
 * A loaded encoder-decoder. `AutoModelForSeq2SeqLM.from_pretrained` gives one, which is a function too: `model(inputs)` scores a text, `generate` writes one.
 * @example
 * ```js
 * const ids = await model.generate({ ...tokenizer('Hello.'), num_beams: 4, max_new_tokens: 64 }); // int32 [1, T]
 * const [text] = tokenizer.batch_decode(ids, { skip_special_tokens: true });
 * ```
 */
export class Seq2SeqModel extends LoadedModel {
  static readonly optionNames = trainableOptionNames;
  readonly #loop = new Loop((steps) => this.stepped(steps));

  constructor(
    engine: Engine,
    config: JsonObject,
    /** What the model's files ask of a generation. */
    readonly generation_config: GenerationConfig,
    /** The stacks, with their parameters. */
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
        'forward',
        'generate',
        'stream',
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
      const insights = yield* insightsOver(module, target, encoded, source, wants);
      return { ...insights, encoder_last_hidden_state: inPlace(encoded.lastHiddenState.toHost(), source, 1) };
    }, signal);
  }

  /** The same, as transformers.js calls it. */
  forward(inputs: Seq2SeqInputs, options?: CallOptions): Promise<Seq2SeqOutput> {
    return this.call(inputs, options);
  }

  /**
   * Writes a text for each source, by transformers' options: see docs/generation.md. Rejects with ARGUMENT for options that contradict each other,
   * UNSUPPORTED for those that heed does not have, NUMERIC where no token can come next, or `signal.reason`. `wishes` hold where the call says nothing.
   */
  async generate(
    options: GenerateOptions | IdTensor,
    wishes: GenerationConfig = this.generation_config,
  ): Promise<HostTensor | GenerateOutput> {
    const given = namedIds(options) as GenerateOptions;
    checkOptions(given, [...inputNames, ...generateOptionNames], 'generate');
    const { asked: said, signal, streamer, logprobs, asObject, wants, kept } = askedOf(given);
    const asked = endOf(given, wishes, said);
    const source = this.#source(given);
    const B = source.shape[0];
    const starts = this.#target(given, B);
    const first = Array.from({ length: B }, (_, b) => (starts ? rowOf(starts.data, b, starts.dims[1]) : []));
    const plan = planOf(wishes, asked, startsOf(wishes, asked, first), this.module.dims);
    if (streamer !== undefined) checkStreamer(streamer, B * plan.num_return_sequences, plan.num_beams);
    checkLogprobs(logprobs, plan.num_beams);
    const own = ownOf(given, plan);
    const sources = first.map((_, b) => rowOf(source.ids, b, source.shape[1]).slice(0, source.lengths?.[b]));
    const { engine, module } = this;
    const encoded = (insights: Wants = {}) => withRoom(engine, source.shape, () => module.encode(source, insights));
    // All of them: their texts begin alike.
    const start = function* () {
      const { lastHiddenState } = yield* encoded();
      return new ModelDecoding(module, module.start(lastHiddenState, source.lengths));
    };
    const prompts = plan.prompts.map((ids, b) => ({ ids, source: sources[b] as number[], plan }));
    const found = await this.named(() => this.#loop.add({ engine, prompts, start, own, streamer, logprobs, kept, signal }));
    const sequences = rowsOf(
      found.map(({ ids }) => ids),
      plan.pad_token_id,
    );
    if (!asObject) return sequences;
    const output: GenerateOutput = { sequences, ...(plan.num_beams > 1 && beamsOf(found)), ...logprobsOf(found, logprobs), ...kept };
    const insights: Wants = { attentions: wants.output_attentions, hiddenStates: wants.output_hidden_states };
    if (!insights.attentions && !insights.hiddenStates) return output;
    const target = { data: sequences.data as Int32Array, dims: sequences.dims as [number, number] };
    const { logits, ...seen } = await this.run(function* () {
      return yield* insightsOver(module, target, yield* encoded(insights), source, insights);
    }, signal);
    return { ...output, ...seen };
  }

  /** What `generate` writes behind the text, in pieces as they come, for `for await`: one sequence, without beams, with the `tokenizer` among the options. Leaving the loop ends it. */
  stream(options: GenerateOptions): TextStream {
    return streamOf((own: GenerateOptions) => this.generate(own), options);
  }

  #source(inputs: Seq2SeqInputs): SourceInputs {
    const { data: ids, dims: shape } = integers('input_ids', inputs.input_ids);
    within('input_ids', ids, this.module.dims.sourceV);
    if (integersLike('token_type_ids', inputs.token_type_ids, shape)?.some((type) => type !== 0))
      throw new HeedError('ARGUMENT', 'token_type_ids holds another number than 0', {
        culprit: 'token_type_ids',
        cure: 'This model has no types',
      });
    return sourceOf(ids, shape, integersLike('attention_mask', inputs.attention_mask, shape));
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

const rowOf = (data: Int32Array, row: number, width: number): number[] => [...data.subarray(row * width, (row + 1) * width)];
