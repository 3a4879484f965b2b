/**
 * AutoModelForSeq2SeqLM: an encoder-decoder, which reads one text and writes another, in transformers.js's idiom. `model(inputs)` scores a given text, `model.generate`
 * writes one. Calls on one engine queue, and yield to the event loop between blocks.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { type Folder, folderOf } from '../io/folder.js';
import { JsonNode, type JsonObject, readJson } from '../io/json.js';
import { callable } from '../models/callable.js';
import type { EncoderDecoder, FeatureInputs, SourceInputs, Wants } from '../models/encoder_decoder.js';
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

/** Inputs: a source and its target, as a tokenizer gives them: token ids [B, S] and [B, T]. */
export interface Seq2SeqInputs {
  /** The source, [B, S]. */
  input_ids: IntegerInput;
  /** Mask: 1 for tokens, of which every row has at least one, 0 for padding, wherever it stands. Default: all 1. */
  attention_mask?: IntegerInput | undefined;
  /** First tokens of the decoder, [B, T]. `generate` puts decoder_start_token_id before them. */
  decoder_input_ids?: IntegerInput | undefined;
  /** Token types, which tokenizers give; all must be 0. */
  token_type_ids?: IntegerInput | undefined;
}

/** Output of a forward pass; attentions and hidden states, where the call asks for them, are lists with an entry per block. */
export interface Seq2SeqOutput extends Insights {
  /** Scores of each possible next token, [B, T, V]. */
  logits: HostTensor;
  /** Last hidden states of the encoder, [B, S, C]. */
  encoder_last_hidden_state: HostTensor;
}

/** Options of `model.generate`: the source, the generation, and the members of the result. */
export interface GenerateOptions extends Seq2SeqInputs, Asking {}

/** Result of `generate` as an object. Attentions and hidden states are those of a forward pass over the sequences: rows are B · num_return_sequences. */
export interface GenerateOutput extends Insights, Told {}

const inputNames = ['input_ids', 'attention_mask', 'decoder_input_ids', 'token_type_ids'];

/** A source as its tokens, or as what is heard: then there are no ids, and `shape` counts states. */
export type Source = SourceInputs & { heard?: FeatureInputs };
/** Type of `generate`, whose result is an object only with `return_dict_in_generate`. */
export type Generate = {
  /** With `return_dict_in_generate`: an object with the sequences and the other members that were asked for. */
  (
    options: GenerateOptions & {
      /** Asks for an object. */
      return_dict_in_generate: true;
    },
    wishes?: GenerationConfig,
  ): Promise<GenerateOutput>;
  /** The sequences, int32 [B · num_return_sequences, T]. `input_ids` alone will do. */
  (options: GenerateOptions | IdTensor, wishes?: GenerationConfig): Promise<HostTensor>;
};

/** An encoder-decoder that can be called. In a page the model runs in a worker: `engine` and `module` then throw an error that says so. */
export type Seq2SeqLM = Omit<Seq2SeqModel, 'generate'> &
  ((inputs: Seq2SeqInputs, options?: CallOptions) => Promise<Seq2SeqOutput>) & {
    /**
     * Writes a text for each source, by transformers' options. Rejects with ARGUMENT for options that contradict each other, UNSUPPORTED for options that heed does not have,
     * NUMERIC where no token can come next, or `signal.reason`.
     * @example const ids = await model.generate({ ...tokenizer('Hello.'), num_beams: 4 }); // int32 [1, T]
     */
    generate: Generate;
  };

/**
 * A loaded encoder-decoder. `AutoModelForSeq2SeqLM.from_pretrained` returns one that is also a function: `model(inputs)` scores a text, `generate` writes one.
 * @example
 * ```js
 * const ids = await model.generate({ ...tokenizer('Hello.'), num_beams: 4, max_new_tokens: 64 }); // int32 [1, T]
 * const [text] = tokenizer.batch_decode(ids, { skip_special_tokens: true });
 * ```
 */
export class Seq2SeqModel<I extends Pick<Seq2SeqInputs, 'decoder_input_ids'> = Seq2SeqInputs> extends LoadedModel {
  static readonly optionNames = trainableOptionNames;
  /** Names of what a call may be given. */
  protected readonly inputNames: readonly string[] = inputNames;
  readonly #loop = new Loop((steps) => this.stepped(steps));

  constructor(
    engine: Engine,
    config: JsonObject,
    /** Generation options from the model's files. */
    readonly generation_config: GenerationConfig,
    /** Encoder and decoder stacks with their parameters. */
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
  async call(inputs: I, options: CallOptions = {}): Promise<Seq2SeqOutput> {
    checkOptions(inputs, this.inputNames, 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal } = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const source = this.source(inputs);
    const target = this.#target(inputs, source.shape[0]);
    if (!target)
      throw new HeedError('ARGUMENT', 'The model scores a text, and there is none', {
        culprit: 'decoder_input_ids',
        cure: 'Give decoder_input_ids, or let generate() write one',
      });
    const { module } = this;
    const wants = { attentions, hiddenStates };
    return this.run(function* () {
      const encoded = yield* withRoom(module.engine, source.shape, () => module.encode(source.heard ?? source, wants));
      const insights = yield* insightsOver(module, target, encoded, source, wants);
      return { ...insights, encoder_last_hidden_state: inPlace(encoded.lastHiddenState.toHost(), source, 1) };
    }, signal);
  }

  /** Runs one forward pass, like `call`, under transformers.js's name. */
  forward(inputs: I, options?: CallOptions): Promise<Seq2SeqOutput> {
    return this.call(inputs, options);
  }

  /**
   * Writes a text for each source, by transformers' options: see docs/generation.md. Rejects with ARGUMENT for options that contradict each other,
   * UNSUPPORTED for options that heed does not have, NUMERIC where no token can come next, or `signal.reason`. `wishes` are the defaults of options that the call leaves out.
   */
  async generate(
    options: (I & Asking) | IdTensor,
    wishes: GenerationConfig = this.generation_config,
  ): Promise<HostTensor | GenerateOutput> {
    const given = namedIds(options) as I & Asking;
    checkOptions(given, [...this.inputNames, ...generateOptionNames], 'generate');
    const { asked: said, signal, streamer, logprobs, asObject, wants, kept } = askedOf(given);
    const asked = endOf(given, wishes, said);
    const source = this.source(given);
    const B = source.shape[0];
    const starts = this.#target(given, B);
    const first = Array.from({ length: B }, (_, b) => (starts ? rowOf(starts.data, b, starts.dims[1]) : []));
    const plan = planOf(wishes, asked, startsOf(wishes, asked, first), this.module.dims);
    if (streamer !== undefined) checkStreamer(streamer, B * plan.num_return_sequences, plan.num_beams);
    checkLogprobs(logprobs, plan.num_beams);
    const own = ownOf(given, plan);
    const sources = first.map((_, b) => rowOf(source.ids, b, source.shape[1]).slice(0, source.lengths?.[b]));
    const { engine, module } = this;
    const encoded = (insights: Wants = {}) => withRoom(engine, source.shape, () => module.encode(source.heard ?? source, insights));
    // All prompts are started together, since their decoder texts have equal beginnings.
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

  /** Streams the text that `generate` writes, in pieces, for `for await`: one sequence, without beams, with the `tokenizer` among the options. Leaving the loop ends the generation. */
  stream(options: I & Asking): TextStream {
    return streamOf((own: I & Asking) => this.generate(own), options);
  }

  /** What a call is given to read. Throws ARGUMENT, SHAPE. */
  protected source(given: I): Source {
    const inputs = given as I & Seq2SeqInputs;
    const { data: ids, dims: shape } = integers('input_ids', inputs.input_ids);
    within('input_ids', ids, this.module.dims.sourceV);
    if (integersLike('token_type_ids', inputs.token_type_ids, shape)?.some((type) => type !== 0))
      throw new HeedError('ARGUMENT', 'token_type_ids holds another number than 0', {
        culprit: 'token_type_ids',
        cure: 'This model has no types',
      });
    return sourceOf(ids, shape, integersLike('attention_mask', inputs.attention_mask, shape));
  }

  #target(
    { decoder_input_ids: given }: Pick<Seq2SeqInputs, 'decoder_input_ids'>,
    B: number,
  ): { data: Int32Array; dims: readonly [number, number] } | undefined {
    if (given === undefined || given === null) return undefined;
    const target = integers('decoder_input_ids', given);
    if (target.dims[0] !== B)
      throw new HeedError('SHAPE', `decoder_input_ids has ${target.dims[0]} rows, ${this.inputNames[0]} ${B}`, {
        culprit: 'decoder_input_ids',
        shape: target.dims,
      });
    within('decoder_input_ids', target.data, this.module.dims.V);
    return target;
  }
}

const rowOf = (data: Int32Array, row: number, width: number): number[] => [...data.subarray(row * width, (row + 1) * width)];
