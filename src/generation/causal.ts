/**
 * AutoModelForCausalLM: a decoder-only language model in transformers.js's idiom. `model(inputs)` scores each token of a text, `model.generate` continues the text. Calls on one
 * engine queue, and yield to the event loop between blocks.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError } from '../errors.js';
import { folderFor, type ModelSource } from '../io/find.js';
import { type Folder, folderOf } from '../io/folder.js';
import { JsonNode, type JsonObject, readJson } from '../io/json.js';
import { type AdapterNames, type AdapterOptions, Adapters, adapterMethods, type NewAdapterOptions } from '../models/adapters.js';
import { architectureOf, spell } from '../models/architecture.js';
import { callable } from '../models/callable.js';
import type { Decoder, DecoderOutputs } from '../models/decoder.js';
import { type IdTensor, namedIds } from '../models/inputs.js';
import { type Base, detach, type LoraAdapter, loadAdapter, newAdapter } from '../models/lora.js';
import type { LoraConfig } from '../models/lora_config.js';
import { type CallOptions, type Insights, LoadedModel } from '../models/model.js';
import { type AdaptedOptions, causalOptionNames, checkPretrained, type TrainableOptions } from '../models/options.js';
import { loadPretrained } from '../models/pretrained.js';
import { withRoom } from '../models/room.js';
import type { Origin } from '../models/save.js';
import { expectBooleans } from '../ops/check.js';
import type { HostTensor, Tensor } from '../tensor.js';
import { type Asking, askedOf, checkLogprobs, checkStreamer, generateOptionNames, logprobsOf, type Told } from './asking.js';
import { type AssistantOptions, assistantNames, assistantOf } from './assistant.js';
import { type CausalInputs, causalTexts, inPlace, type Texts } from './causal_texts.js';
import { type GenerationConfig, readGenerationConfig } from './config.js';
import { beamsOf, ModelDecoding, rowsOf, textsIn } from './decoding.js';
import type { Job } from './job.js';
import { Loop } from './loop.js';
import { endOf, ownOf } from './own.js';
import { beginning, type DynamicCache, expectPast, PrefixCache, readIn } from './past.js';
import { narrowed, planOf } from './plan.js';
import { streamOf, type TextStream } from './stream.js';

/** Output of a forward pass; attentions and hidden states, where the call asks for them, are lists with an entry per block. */
export interface CausalOutput extends Insights {
  /** Scores of each possible next token, [B, T, V]; 0 at padding. */
  logits: HostTensor;
}

/** Options of a language model's `generate`: the text, its continuation, and the members of the result. */
export interface CausalGenerateOptions extends CausalInputs, Asking, AssistantOptions {
  /** Cache of a text read before: of its tokens `generate` reads none again that the prompt begins with. Afterwards the cache holds this text with its continuation. For one text. */
  past_key_values?: DynamicCache | null | undefined;
}

/** Result of `generate` as an object. Attentions and hidden states are those of a forward pass over the sequences. */
export interface CausalGenerateOutput extends Insights, Told {
  /** Cache that the call gave, if it gave one. */
  past_key_values?: DynamicCache;
}

const inputNames = ['input_ids', 'attention_mask', 'token_type_ids'];

/** A language model that can be called. In a page the model runs in a worker: `engine` and `module` then throw an error that says so. */
export type CausalLM = Omit<CausalModel, 'generate'> &
  ((inputs: CausalInputs, options?: CallOptions) => Promise<CausalOutput>) & {
    /**
     * Continues each text, by transformers' options. Rejects with ARGUMENT for options that contradict each other, UNSUPPORTED for options that heed does not have, NUMERIC
     * where no token can come next, or `signal.reason`.
     * @example const ids = await model.generate({ ...tokenizer('The sea is'), max_new_tokens: 20 }); // int32 [1, T]
     */
    generate: {
      /** With `return_dict_in_generate`: an object with the sequences and the other members that were asked for. */
      (
        options: CausalGenerateOptions & {
          /** Asks for an object. */
          return_dict_in_generate: true;
        },
        wishes?: GenerationConfig,
      ): Promise<CausalGenerateOutput>;
      /** The sequences, int32 [B · num_return_sequences, T], each prompt with its continuation. `input_ids` alone may be given instead of options. */
      (options: CausalGenerateOptions | IdTensor, wishes?: GenerationConfig): Promise<HostTensor>;
    };
  };

/** A loaded language model. `AutoModelForCausalLM.from_pretrained` returns one that is also a function: `model(inputs)` scores a text, `generate` continues it. */
export class CausalModel extends LoadedModel {
  static readonly optionNames = causalOptionNames;
  /** What it remembers of the texts that it went on from, one at a time: nothing until it is given a limit, as text-generation does. */
  readonly prefix_cache = new PrefixCache();
  readonly #loop = new Loop(
    (steps) => this.stepped(steps),
    () => this.prefix_cache.giveUp(),
  );
  /** Identity of the current weights: a cache of other weights is not used. */
  #weights: object = {};
  readonly #adapters = new Adapters(() => detach(this.module));
  /** The names of its adapters, in the order in which they came, and which of them is on. */
  readonly adapters: AdapterNames = this.#adapters.names;

  constructor(
    engine: Engine,
    config: JsonObject,
    /** Generation options from the model's files. */
    readonly generation_config: GenerationConfig,
    /** Decoder stack with its parameters. */
    readonly module: Decoder,
    origin?: Origin,
  ) {
    super(engine, config, module, origin);
  }

  /** Loads a folder's config.json, generation_config.json and weights. */
  static async load(engine: Engine, model: string | Folder, options: TrainableOptions & AdaptedOptions = {}): Promise<CausalLM> {
    checkPretrained(options, causalOptionNames);
    const { trainable, adapter } = options;
    const folder = folderOf(engine.runtime, model);
    const { config, module, origin } = await loadPretrained(engine, folder, 'decoder', options, { trainable });
    try {
      const file = 'generation_config.json';
      const json = await readJson(folder, file, { signal: options.signal, optional: true });
      const own = readGenerationConfig(config, json === undefined ? undefined : JsonNode.of(folder.locate(file), json));
      const names = ['run', 'forward', 'generate', 'stream', 'save_pretrained', ...adapterMethods] as const;
      const model = new CausalModel(engine, config.value, own, module, origin);
      if (adapter !== undefined) await model.load_adapter(adapter, undefined, { signal: options.signal });
      return callable(model, [...names]) as unknown as CausalLM;
    } catch (error) {
      module.dispose();
      throw error;
    }
  }

  /** Runs one forward pass over a text. Rejects with ARGUMENT, SHAPE, or `signal.reason`. */
  async call(inputs: CausalInputs, options: CallOptions = {}): Promise<CausalOutput> {
    checkOptions(inputs, inputNames, 'model');
    checkOptions(options, ['output_attentions', 'output_hidden_states', 'signal'], 'model');
    const { output_attentions: attentions, output_hidden_states: hiddenStates, signal } = options;
    expectBooleans('model', { output_attentions: attentions, output_hidden_states: hiddenStates });
    const texts = causalTexts(inputs, this.module.dims.V);
    const told = this.#told.bind(this);
    return this.run(() => told(texts, { attentions, hiddenStates }), signal);
  }

  /** Runs one forward pass, like `call`, under transformers.js's name. */
  forward(inputs: CausalInputs, options?: CallOptions): Promise<CausalOutput> {
    return this.call(inputs, options);
  }

  /**
   * Continues each text, by transformers' options: see docs/generation.md. Rejects with ARGUMENT for options that contradict each other,
   * UNSUPPORTED for options that heed does not have, NUMERIC where no token can come next, or `signal.reason`. `wishes` are the defaults of options that the call leaves out.
   */
  async generate(
    options: CausalGenerateOptions | IdTensor,
    wishes: GenerationConfig = this.generation_config,
  ): Promise<HostTensor | CausalGenerateOutput> {
    const given = namedIds(options) as CausalGenerateOptions;
    checkOptions(given, [...inputNames, 'past_key_values', ...assistantNames, ...generateOptionNames], 'generate');
    const { asked: said, signal, streamer, logprobs, asObject, wants, kept } = askedOf(given);
    const asked = endOf(given, wishes, said);
    const texts = causalTexts(given, this.module.dims.V);
    const [B, width] = texts.shape;
    const whole = Array.from({ length: B }, (_, b) => [...texts.ids.subarray(b * width, (b + 1) * width)]);
    const plan = planOf(wishes, asked, whole, this.module.dims);
    if (streamer !== undefined) checkStreamer(streamer, B * plan.num_return_sequences, plan.num_beams);
    checkLogprobs(logprobs, plan.num_beams);
    const own = ownOf(given, plan);
    const drafter = assistantOf(given, plan, this);
    const { engine, module, prefix_cache: others } = this;
    if (drafter || asked.prompt_lookup_num_tokens !== undefined) expectForgets(module);
    const past = given.past_key_values ?? undefined;
    expectPast(past, B);
    if (this.#adapters.isOwn) this.#changed(); // it may have been trained since
    const weights = this.#weights;
    void past?.readBy(module, weights);
    const prompts = texts.rows.map((ids) => ({ ids, source: ids, plan: narrowed(plan, width - ids.length) }));
    const live = () => (this.#weights === weights ? textsIn(this.#loop, weights) : []);
    // biome-ignore lint/correctness/useYield: what it remembers is there
    const start = function* (members: readonly number[]) {
      const ids = texts.rows[members[0] as number] as readonly number[];
      // Texts that are read together have nothing in common.
      const known = members.length > 1 ? [] : [...(past?.readBy(module, weights) ?? []), ...others.texts, ...live()];
      return new ModelDecoding(module, beginning(module, ids, known));
    };
    const left: Job['left'] = (decoding, row, ids) => {
      if (!past && !others.limit) return;
      const read = readIn((decoding as ModelDecoding).state, row, ids);
      if (this.#weights !== weights) read.state.dispose();
      else if (past) past.take(read, module, weights);
      else others.take(read);
    };
    const job = { engine, prompts, start, left, weights, own, drafter, streamer, logprobs, kept, signal };
    const found = await this.named(() => this.#loop.add(job));
    // A text begins as it was given, padding included.
    const textOf = (r: number) => Math.floor(r / plan.num_return_sequences);
    const lists = found.map(({ ids }, r) => [
      ...(whole[textOf(r)] as number[]),
      ...ids.slice((texts.rows[textOf(r)] as readonly number[]).length),
    ]);
    const sequences = rowsOf(lists, plan.pad_token_id);
    if (!asObject) return sequences;
    const output: CausalGenerateOutput = {
      sequences,
      ...(plan.num_beams > 1 && beamsOf(found)),
      ...logprobsOf(found, logprobs),
      ...kept,
      ...(past && { past_key_values: past }),
    };
    const insights = { attentions: wants.output_attentions, hiddenStates: wants.output_hidden_states };
    if (!insights.attentions && !insights.hiddenStates) return output;
    const begins = lists.map((_, r) => texts.begins[textOf(r)] as number);
    const rows = lists.map((list, r) => list.slice(begins[r]));
    const told = this.#told.bind(this);
    const written = { rows, ids: sequences.data as Int32Array, shape: sequences.dims as [number, number], begins };
    const { logits, ...seen } = await this.run(() => told(written, insights), signal);
    return { ...output, ...seen };
  }

  /** Streams the continuation that `generate` writes, in pieces, for `for await`: one sequence, without beams, with the `tokenizer` among the options. Leaving the loop ends the generation. */
  stream(options: CausalGenerateOptions): TextStream {
    return streamOf((own: CausalGenerateOptions) => this.generate(own), options);
  }

  /** Runs one forward pass over texts, with the places of their tokens. */
  *#told(
    { rows, shape: [B, T], begins }: Texts,
    wants: { attentions?: boolean | undefined; hiddenStates?: boolean | undefined },
  ): Generator<void, CausalOutput> {
    const { module } = this;
    const ids = new Int32Array(B * T);
    for (const [b, row] of rows.entries()) ids.set(row, b * T);
    const lengths = rows.map(({ length }) => length);
    const out: DecoderOutputs = yield* withRoom(module.engine, [B, T], () => module.steps({ ids, shape: [B, T], lengths }, wants));
    const placed = (x: Tensor, ...axes: number[]) => inPlace(x.toHost(), axes, lengths, begins);
    return {
      logits: placed(out.logits, 1),
      ...(wants.hiddenStates && { hidden_states: out.hiddenStates.map((x) => placed(x, 1)) }),
      ...(wants.attentions && { attentions: out.attentions.map((x) => placed(x, 2, 3)) }),
    };
  }

  /**
   * Loads a LoRA adapter, the folder that PEFT writes, by its path, URL or name on the hub, or its files, and puts it on: the model's weights stay where they are, in whatever format. Rejects with NOT_FOUND, FORMAT,
   * UNSUPPORTED for modules and options that heed does not have, MODEL_MISMATCH for an adapter of another model, ARGUMENT for a name that there is already.
   * @example await model.load_adapter('./pirate', 'pirate');
   */
  async load_adapter(source: ModelSource, name = 'default', options: AdapterOptions = {}): Promise<void> {
    checkOptions(options, ['signal'], 'load_adapter');
    this.#adapters.expectNew(name);
    const folder = await folderFor(this.engine.runtime, source, options);
    this.#adapters.put(name, await this.alive(() => loadAdapter(this.#base, folder, options.signal)));
    this.#changed();
  }

  /** Adds a new LoRA adapter, to be trained: see docs/fine-tuning.md. It is put on, and changes nothing yet. Throws ARGUMENT, UNSUPPORTED. */
  add_adapter(config: LoraConfig = {}, name = 'default', options: NewAdapterOptions = {}): LoraAdapter {
    checkOptions(options, ['seed'], 'add_adapter');
    const { seed = 0 } = options;
    this.#adapters.expectNew(name);
    const adapter = this.#adapters.put(name, newAdapter(this.#base, config, seed), true);
    this.#changed();
    return adapter;
  }

  /** Activates an adapter in place of any other; null deactivates it. Generations in progress continue with the new one. Rejects with ARGUMENT for an unknown name. */
  async set_adapter(name: string | null): Promise<void> {
    this.#adapters.set(name);
    this.#changed();
  }

  /** Takes an adapter off, and frees it. Rejects with ARGUMENT for a name that there is not. */
  async delete_adapter(name: string): Promise<void> {
    this.#adapters.delete(name);
    this.#changed();
  }

  /** Frees the weights, those of the adapters, and the cache. */
  override dispose(): void {
    this.prefix_cache.limit = 0;
    this.#adapters.dispose();
    super.dispose();
  }

  /** Drops cached texts, which belong to other weights. */
  #changed(): void {
    this.#weights = {};
    this.prefix_cache.clear();
  }

  get #base(): Base {
    const config = JsonNode.of('config.json', this.config);
    return { module: this.module, architecture: spell(architectureOf(config), config) };
  }
}

/** Throws UNSUPPORTED where guesses at the next tokens could not be taken back. */
function expectForgets({ forgets }: Decoder): void {
  if (forgets) return;
  throw new HeedError('UNSUPPORTED', 'generate: this model has convolutions, which cannot take back a guess', {
    culprit: 'model',
    cure: 'Leave out prompt_lookup_num_tokens and assistant_model',
  });
}
