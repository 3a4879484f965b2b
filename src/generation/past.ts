/**
 * Key/value caches of texts: tokens, and a decoder state with their keys and values, so that a text with the same beginning reads only its new tokens. A DynamicCache holds one text for
 * a user, a PrefixCache the last texts of a model. Both share pages with the states that continue them; neither is written to.
 */
import { HeedError, kindOf } from '../errors.js';
import type { Decoder } from '../models/decoder.js';
import type { DecoderState } from '../models/decoder_state.js';
import { bytesOf } from '../nn/pages.js';
import { wrongArgument } from '../ops/check.js';
import { type Reader, readFrom, written } from './cache_file.js';
import { commonLength } from './common_length.js';

/** A text that was read. */
export interface Read {
  ids: readonly number[];
  /** Decoder state of one row, or of several, whose row has as many tokens. */
  state: DecoderState;
  /** Row of the state. Default 0. */
  row?: number;
}

/** Cache of a state's row: the first of the tokens `ids` that the row has read; what the row has read beyond them is cut off. */
export function readIn(state: DecoderState, row: number, ids: readonly number[]): Read {
  const own = state.pick(row);
  own.truncate(ids.length);
  return { ids: ids.slice(0, own.length), state: own };
}

/** New state for a text, which starts from the cached text with the longest common beginning. The text's last token is never taken from a cache, since its logits are still needed. */
export function beginning(module: Decoder, ids: readonly number[], known: Iterable<Read>): DecoderState {
  const state = module.start(ids.length);
  const fits = ({ ids: all, state: own }: Read, common: number) => own.forgets || common === all.length;
  let [best, most]: [Read | undefined, number] = [undefined, 0];
  for (const read of known) {
    const common = Math.min(commonLength(read.ids, ids), ids.length - 1);
    if (common > most && fits(read, common) && module.readsAlike(1, Math.max(ids.length, read.ids.length))) [best, most] = [read, common];
  }
  if (best) {
    state.join(best.state, [best.row ?? 0]);
    state.truncate(most);
  }
  return state;
}

/**
 * Key/value cache of a text for `generate`: a prompt that begins with the same tokens reads only the rest, and the cache then holds the new text. The cache keeps its
 * memory until `dispose`.
 * @example
 * ```js
 * const past_key_values = new DynamicCache();
 * const first = await model.generate({ ...tokenizer('Once upon a time'), past_key_values });
 * const more = await model.generate({ input_ids: first, past_key_values }); // reads one token
 * ```
 */
export class DynamicCache {
  #read: Read | undefined;
  #module: Decoder | undefined;
  #weights: object | undefined;
  #disposed = false;

  /** Number of tokens in the cache. */
  get_seq_length(): number {
    return this.#read?.ids.length ?? 0;
  }

  /** The tokens that it remembers. */
  get input_ids(): readonly number[] {
    return this.#read?.ids ?? [];
  }

  /** Bytes of their keys and values. */
  get bytes(): number {
    return bytesOf(this.#read?.state.pages ?? []);
  }

  /** Forgets the tokens from `length` on; a negative number says how many. Throws ARGUMENT. */
  crop(length: number): void {
    const own = this.get_seq_length();
    const left = length < 0 ? own + length : length;
    if (!(Number.isInteger(left) && left >= 0)) throw wrongArgument('DynamicCache.crop', 'length', length, `It remembers ${own} tokens`);
    if (!this.#read || left >= own) return;
    this.#read.state.truncate(left);
    this.#read = { ids: this.#read.ids.slice(0, left), state: this.#read.state };
  }

  /**
   * Writes the cache as a safetensors file of float32, for a disk or a browser's storage: `DynamicCache.load` reads it. Rejects with ARGUMENT for an empty cache.
   * @example const bytes = await past_key_values.save(); // later: await DynamicCache.load(model, bytes)
   */
  async save(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#read && this.#module) return written(this.#read, this.#module);
    throw new HeedError('ARGUMENT', 'DynamicCache.save: it remembers nothing', {
      culprit: 'past_key_values',
      cure: 'Give it to generate first',
    });
  }

  /**
   * Loads a cache that `save` has written, for the same model: its first tokens are read once more, and must give the same keys and values. Rejects with FORMAT for other or
   * damaged bytes, MODEL_MISMATCH for a cache of another model, MEMORY.
   */
  static async load(model: Reader, bytes: Uint8Array): Promise<DynamicCache> {
    if (!(bytes instanceof Uint8Array)) throw wrongArgument('DynamicCache.load', 'bytes', bytes, 'Give a Uint8Array');
    if (!model?.module) throw wrongArgument('DynamicCache.load', 'model', model, 'Give a language model of this thread');
    const cache = new DynamicCache();
    cache.take(await readFrom(model, bytes), model.module);
    return cache;
  }

  /** Frees the cache. */
  dispose(): void {
    this.#read?.state.dispose();
    this.#read = undefined;
    this.#disposed = true;
  }

  /** The cached text for a model; none where the weights, an adapter's among them, have changed. Throws ARGUMENT for another model's cache and for a disposed one. */
  readBy(module: Decoder, weights: object): readonly Read[] {
    const wrong = (what: string, cure: string) =>
      new HeedError('ARGUMENT', `generate: past_key_values ${what}`, { culprit: 'past_key_values', cure });
    if (this.#disposed) throw wrong('was disposed of', 'Give another, new DynamicCache()');
    if (this.#module && this.#module !== module) throw wrong('is what another model remembers', 'Give each model one of its own');
    return this.#read && (this.#weights === undefined || this.#weights === weights) ? [this.#read] : [];
  }

  /** Replaces the cached text. */
  take(read: Read, module: Decoder, weights?: object): void {
    const unwanted = this.#disposed ? read : this.#read;
    unwanted?.state.dispose();
    if (!this.#disposed) [this.#read, this.#module, this.#weights] = [read, module, weights];
  }
}

/** Throws ARGUMENT for a value that is no cache, and for more than one text. */
export function expectPast(past: unknown, texts: number): asserts past is DynamicCache | undefined {
  if (past === undefined) return;
  const wrong = (what: string, cure: string) => new HeedError('ARGUMENT', `generate: ${what}`, { culprit: 'past_key_values', cure });
  if (!(past instanceof DynamicCache))
    throw wrong(
      `past_key_values is ${kindOf(past)}`,
      'Give a DynamicCache; it does not cross to a worker, where prefix_cache of a pipeline does its work',
    );
  if (texts !== 1)
    throw wrong(`past_key_values remembers one text, and there are ${texts}`, 'Give one text at a time, each with a cache of its own');
}

/** The last texts that a model has read, up to a limit in bytes; beyond the limit the least recently used text is dropped. */
export class PrefixCache {
  /** Texts, the most recently used last. */
  #texts: Read[] = [];
  #limit = 0;

  /** Limit of the texts' memory in bytes. Default 0: no text is kept. */
  get limit(): number {
    return this.#limit;
  }

  /** Sets the limit and drops texts beyond it. Throws ARGUMENT for a value that is no number of bytes. */
  set limit(bytes: number) {
    if (!(typeof bytes === 'number' && bytes >= 0))
      throw wrongArgument('prefix_cache', 'limit', bytes, 'It is a number of bytes, or 0 to remember nothing');
    this.#limit = bytes;
    this.#fit();
  }

  /** Bytes of the texts; shared pages count once. */
  get bytes(): number {
    return bytesOf(this.#texts.flatMap(({ state }) => state.pages));
  }

  /** Drops all texts, which is needed where weights have changed. */
  clear(): void {
    while (this.giveUp());
  }

  /** All texts, the most recently used first. */
  get texts(): readonly Read[] {
    return this.#texts.toReversed();
  }

  /** Adds a text, and drops texts that are its beginning. */
  take(read: Read): void {
    const isIn = (one: Read, other: Read) => commonLength(one.ids, other.ids) === one.ids.length;
    const longer = this.#texts.find((known) => isIn(read, known));
    for (const known of this.#texts) if (known !== longer && isIn(known, read)) known.state.dispose();
    if (longer) read.state.dispose();
    this.#texts = [...this.#texts.filter((known) => known !== longer && !isIn(known, read)), longer ?? read];
    this.#fit();
  }

  /** Forgets the text that was not used for longest: whether there was one. */
  giveUp(): boolean {
    const oldest = this.#texts.shift();
    oldest?.state.dispose();
    return oldest !== undefined;
  }

  #fit(): void {
    while (this.#texts.length && this.bytes > this.#limit) this.giveUp();
  }
}
