/**
 * AutoModelForSpeechSeq2Seq: a model that hears, and writes what it hears, in transformers' idiom. `model(inputs)` scores a given text, `model.generate` writes one. Calls on one engine
 * queue, and yield to the event loop between blocks.
 */
import type { Engine } from '../../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import { type Folder, folderOf } from '../../io/folder.js';
import { JsonNode, type JsonObject, readJson } from '../../io/json.js';
import { callable } from '../../models/callable.js';
import type { EncoderDecoder } from '../../models/encoder_decoder.js';
import { type IntegerInput, integers, within } from '../../models/inputs.js';
import { type CallOptions, LoadedModel } from '../../models/model.js';
import { checkPretrained, type TrainableOptions, trainableOptionNames } from '../../models/options.js';
import { loadPretrained } from '../../models/pretrained.js';
import { withRoom } from '../../models/room.js';
import type { Origin } from '../../models/save.js';
import { expectBooleans } from '../../ops/check.js';
import { HostTensor, sizeOf } from '../../tensor.js';
import { checkStreamer } from '../asking.js';
import { readGenerationConfig } from '../config.js';
import { insightsOver, rowsOf } from '../decoding.js';
import { Loop } from '../loop.js';
import { type OwnOptions, ownNames } from '../own.js';
import type { Seq2SeqOutput } from '../seq2seq.js';
import {
  askedOf,
  checkPrompt,
  type FeatureTensor,
  languagesOf,
  type SpeechGenerate,
  type SpeechGenerateOptions,
  type SpeechGenerateOutput,
  type SpeechInputs,
  said,
  speechOptionNames,
  temperaturesOf,
  wrong,
} from './asking.js';
import { checkThresholds, readSpeechConfig, type SpeechGenerationConfig } from './config.js';
import { Listener, type Sound } from './listen.js';
import { checkSpoken } from './prompt.js';
import { SampleModel } from './samples.js';
import type { Segment } from './segments.js';

/** In a page the model lives in a worker: then `engine` and `module` cannot be reached, and say so. */
export type SpeechSeq2Seq = Omit<SpeechModel, 'generate'> &
  ((inputs: SpeechInputs, options?: CallOptions) => Promise<Seq2SeqOutput>) & {
    /**
     * Writes what is heard, by transformers' options: see docs/speech.md. Rejects with ARGUMENT for options that contradict each other, UNSUPPORTED for those that the model does not
     * have, SHAPE, or `signal.reason`.
     */
    generate: SpeechGenerate;
  };

/**
 * A loaded model that hears. `AutoModelForSpeechSeq2Seq.from_pretrained` gives one, which is a function too: `model(inputs)` scores a text, `generate` writes one.
 * @example
 * ```js
 * const extractor = await AutoFeatureExtractor.from_pretrained('openai/whisper-tiny');
 * const { input_features } = await extractor(await read_audio('speech.wav', 16_000));
 * const ids = await model.generate({ input_features, language: 'de', task: 'translate' }); // int32 [B, T]
 * const [text] = tokenizer.batch_decode(ids, { skip_special_tokens: true });
 * ```
 */
export class SpeechModel extends LoadedModel {
  static readonly optionNames = trainableOptionNames;
  readonly #loop = new Loop((steps) => this.stepped(steps));

  constructor(
    engine: Engine,
    config: JsonObject,
    /** What the model's files ask of a generation. */
    readonly generation_config: SpeechGenerationConfig,
    /** The stacks, with their parameters. */
    readonly module: EncoderDecoder,
    origin?: Origin,
  ) {
    super(engine, config, module, origin);
  }

  /** Loads a folder's config.json, generation_config.json and weights. */
  static async load(engine: Engine, model: string | Folder, options: TrainableOptions = {}): Promise<SpeechSeq2Seq> {
    checkPretrained(options, trainableOptionNames);
    const { trainable } = options;
    const folder = folderOf(engine.runtime, model);
    const { config, module, origin } = await loadPretrained(engine, folder, 'speech encoder-decoder', options, { trainable });
    try {
      const file = 'generation_config.json';
      const json = await readJson(folder, file, { signal: options.signal, optional: true });
      const node = json === undefined ? undefined : JsonNode.of(folder.locate(file), json);
      const made = module.dims.waves
        ? new SampleModel(engine, config.value, readGenerationConfig(config, node), module, origin)
        : new SpeechModel(engine, config.value, readSpeechConfig(config, node, module.dims), module, origin);
      return callable(made as SpeechModel, ['run', 'forward', 'generate', 'save_pretrained']) as unknown as SpeechSeq2Seq;
    } catch (error) {
      module.dispose();
      throw error;
    }
  }

  /** The scores of a given text: one forward. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call(inputs: SpeechInputs, options: CallOptions = {}): Promise<Seq2SeqOutput> {
    checkOptions(inputs, ['input_features', 'decoder_input_ids'], 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal } = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const { data, dims } = this.#features(inputs.input_features);
    const target = integers('decoder_input_ids', inputs.decoder_input_ids);
    within('decoder_input_ids', target.data, this.module.dims.V);
    if (target.dims[0] !== dims[0])
      throw new HeedError('SHAPE', `decoder_input_ids has ${target.dims[0]} rows, input_features ${dims[0]}`, {
        culprit: 'decoder_input_ids',
        shape: target.dims,
      });
    const { module } = this;
    const wants = { attentions, hiddenStates };
    return this.run(function* () {
      const heard = [dims[0], dims[2]] as const;
      const encoded = yield* withRoom(module.engine, heard, () => module.encode({ features: data, shape: dims }, wants));
      const states = encoded.lastHiddenState;
      const source = { ids: new Int32Array(0), shape: [dims[0], states.dim(1)] as const };
      const insights = yield* insightsOver(module, target, encoded, source, wants);
      return { ...insights, encoder_last_hidden_state: states.toHost() };
    }, signal);
  }

  /** The same, as transformers.js calls it. */
  forward(inputs: SpeechInputs, options?: CallOptions): Promise<Seq2SeqOutput> {
    return this.call(inputs, options);
  }

  /** Writes what is heard, by transformers' options: see docs/speech.md. */
  async generate(given: SpeechGenerateOptions): Promise<HostTensor | SpeechGenerateOutput> {
    checkOptions(given, speechOptionNames, 'generate');
    const { return_token_timestamps = false, return_segments = false, return_dict_in_generate: asObject = false } = given;
    const own = this.generation_config;
    const { return_timestamps, signal, streamer, onProgress, onSegment, prompt_ids: promptIds, task } = given;
    const flags = { return_token_timestamps, return_segments, return_dict_in_generate: asObject, return_timestamps };
    expectBooleans('generate', flags);
    checkThresholds(given);
    const asked = askedOf(given);
    const temperatures = temperaturesOf(given);
    const wishes = { ...own, ...said(given) };
    const { data, dims } = this.#features(given.input_features, true);
    const [B, , steps] = dims;
    const isLong = steps > (this.module.dims.features?.steps ?? 0);
    if (isLong && return_timestamps === false)
      throw wrong(
        'return_timestamps',
        false,
        'A sound that is longer than a window is heard by its timestamps: leave it out, or give less sound',
      );
    const times = isLong || (return_timestamps ?? own.return_timestamps ?? false);
    if (times && own.no_timestamps_token_id === undefined)
      throw new HeedError('UNSUPPORTED', "generate: the model's generation_config.json names no timestamps", {
        culprit: 'return_timestamps',
        cure: 'Take newer files, which have no_timestamps_token_id',
      });
    const sounding = this.#sounding(given.attention_mask, dims, isLong);
    const languages = languagesOf(given.language, B);
    for (const language of languages) checkSpoken({ language, task }, own);
    if (streamer !== undefined) checkStreamer(streamer, B, asked.num_beams ?? own.num_beams ?? 1);
    checkPrompt(given, wishes);
    if (promptIds) within('prompt_ids', Int32Array.from(promptIds), this.module.dims.V);
    const done = Array<number>(B).fill(0);
    const frames = (b: number) => (isLong && B > 1 ? (sounding?.[b] ?? steps) : steps);
    const total = done.reduce((sum, _, b) => sum + frames(b), 0);
    const run = <T>(stepsOf: () => Generator<unknown, T>) => this.stepped(stepsOf, signal);
    // Sounds are heard side by side: their next tokens are computed together.
    const one = (b: number) => {
      const sound: Sound = {
        data: data.subarray((b * data.length) / B, ((b + 1) * data.length) / B),
        ...{ steps, frames: frames(b), sounding: sounding?.[b] },
      };
      const listener = new Listener(this.#loop, run, this.module, {
        ...{ wishes, asked, temperatures, promptIds, signal, streamer, row: b, wantsTimes: return_token_timestamps },
        spoken: { language: languages[b], task, return_timestamps: times },
        promptsAll: given.prompt_condition_type === 'all-segments',
        ...Object.fromEntries(ownNames.map((name) => [name, given[name as keyof OwnOptions]])),
        onFrames: (now) => {
          done[b] = now;
          onProgress?.(
            done.reduce((sum, n) => sum + n, 0),
            total,
          );
        },
        onSegments: (segments) => {
          for (const segment of segments) onSegment?.(segment, b);
        },
      });
      return listener.hear(sound);
    };
    const heard = await this.named(() => settled(done.map((_, b) => one(b))));
    const lists = heard.map(({ segments }) => segments.flatMap(({ tokens }) => tokens));
    const padding = asked.pad_token_id ?? own.pad_token_id ?? 0;
    const sequences = rowsOf(lists, padding);
    if (!(return_segments || asObject || return_token_timestamps)) return sequences;
    const known = heard.flatMap(({ language }) => (language === undefined ? [] : [language]));
    return {
      sequences,
      ...(return_token_timestamps && { token_timestamps: timesOf(heard.map(({ segments }) => segments)) }),
      ...((return_segments || asObject) && { segments: heard.map(({ segments }) => segments) }),
      ...(known.length === B && { languages: known }),
    };
  }

  /** Numbers [B, channels, steps], as many steps as the model hears at once, or more. */
  #features(given: FeatureTensor | undefined, long = false): { data: Float32Array; dims: readonly [number, number, number] } {
    const { data, dims } = Object(given) as Partial<FeatureTensor>;
    const { channels = 0, steps = 0 } = this.module.dims.features ?? {};
    const fits =
      Array.isArray(dims) &&
      dims.length === 3 &&
      dims.every((d) => Number.isSafeInteger(d) && d > 0) &&
      dims[1] === channels &&
      (dims[2] === steps || (long && (dims[2] as number) > 0));
    if (!fits || data?.length !== sizeOf(dims))
      throw new HeedError('SHAPE', `input_features is ${dims ? `[${dims}]` : kindOf(given)}, the model hears [B, ${channels}, ${steps}]`, {
        culprit: 'input_features',
        shape: Array.isArray(dims) ? dims : [],
        cure: 'Make features with the extractor of this model',
      });
    const numbers = data instanceof Float32Array ? data : Float32Array.from(data);
    if (!numbers.every(Number.isFinite))
      throw new HeedError('NUMERIC', 'input_features holds what is no number', { culprit: 'input_features', shape: dims });
    return { data: numbers, dims: dims as unknown as readonly [number, number, number] };
  }

  /** Steps of each sound that are no padding; undefined where nobody says. */
  #sounding(mask: IntegerInput | undefined, [B, , steps]: readonly [number, number, number], isLong: boolean): number[] | undefined {
    if (mask === undefined || mask === null) {
      if (B === 1 || !isLong) return undefined;
      throw new HeedError('ARGUMENT', 'generate: several sounds that are longer than a window need attention_mask', {
        culprit: 'attention_mask',
        cure: 'Give it as the feature extractor gives it, or one sound at a time',
      });
    }
    const { data, dims } = integers('attention_mask', mask);
    if (dims[0] !== B || dims[1] !== steps)
      throw new HeedError('SHAPE', `attention_mask is [${dims}], it must be [${[B, steps]}]`, { culprit: 'attention_mask', shape: dims });
    return Array.from({ length: B }, (_, b) => data.subarray(b * steps, (b + 1) * steps).reduce((sum, m) => sum + Number(m !== 0), 0));
  }
}

/** Waits for all: where one fails, the others have ended by then. */
async function settled<T>(all: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** Side by side, filled up with the last. */
function timesOf(rows: readonly (readonly Segment[])[]): HostTensor {
  const lists = rows.map((segments) => segments.flatMap(({ token_timestamps = [] }) => token_timestamps));
  const T = lists.reduce((most, list) => Math.max(most, list.length), 0);
  const data = new Float32Array(lists.length * T);
  for (const [row, list] of lists.entries()) data.set(list, row * T);
  for (const [row, list] of lists.entries()) data.fill(list.at(-1) ?? 0, row * T + list.length, (row + 1) * T);
  return new HostTensor('float32', data, [lists.length, T]);
}
