/**
 * A tokenizer of Hugging Face's models: texts to token ids and back, under transformers.js's names. It reads
 * a folder's files and assembles what they describe: the pipeline, the template around it, lengths and padding.
 * tokenizer.json's own truncation and padding are ignored: the caller decides.
 */
import { HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { shown } from '../io/location.js';
import type { OpenOptions, Runtime } from '../runtime/types.js';
import { drained } from '../steps.js';
import type { Span } from './aligned.js';
import {
  type Batch,
  type BatchOptions,
  batchOptions,
  checkKnown,
  details,
  type EncodeOptions,
  type EncodingOptions,
  encodeOptions,
  encodingOptions,
  type Lengths,
  type ListBatch,
  lengthsOf,
  listsOf,
  rectangle,
  type Text,
} from './batch.js';
import { type ChatOptions, type Conversation, chatRenderer, conversationsOf } from './chat_options.js';
import { cutsOf, enough } from './cuts.js';
import { cleanUp } from './decoder.js';
import { type Description, descriptionOf } from './description.js';
import { type Encoding, part } from './encoding.js';
import { chatTemplateOf, madeOf, type TokenizerFiles, tokenizerFilesOf } from './files.js';
import { type DecodeOptions, flagsOf, type IdTensor, rowsOf } from './ids.js';
import { lowered } from './lowered.js';
import { guard, Pipeline } from './pipeline.js';
import { saveTokenizer, type TokenizerOrigin } from './saved.js';
import { type Row, type Template, templateOf } from './template.js';
import { decodedAround } from './timestamps.js';
import { type ChatTemplate, Told } from './told.js';
import { checkTexts, idsOf, traceOf } from './words.js';

export type { Batch, BatchOptions, EncodeOptions, EncodingOptions, IntTensor, ListBatch, Text } from './batch.js';
export type { Encoding } from './encoding.js';
export { type TokenizerFiles, tokenizerFilesOf } from './files.js';
export type { DecodeOptions, IdTensor } from './ids.js';

/** A tokenizer can be called: `tokenizer(texts, options)` is `tokenizer.batch(texts, options)`. */
export type CallableTokenizer = Tokenizer & Tokenizer['batch'];

/** Texts to token ids and back. `AutoTokenizer.from_pretrained` gives one, which is a function too: `tokenizer(texts, options)`. */
export class Tokenizer extends Told {
  private readonly maySpoil: boolean;
  private readonly className: Description['className'];

  private constructor(
    private readonly pipeline: Pipeline,
    private readonly template: Template,
    description: Description,
    chat_template: ChatTemplate | undefined,
    private readonly origin: TokenizerOrigin | undefined,
  ) {
    super(description, chat_template);
    const { root, config } = description;
    this.className = description.className;
    // Spaces before punctuation are BPE's own tokens, and taken away they would be lost; transformers 5 asks for a longer name.
    const bpe = root.object('model').get('type') === 'BPE';
    this.maySpoil = !bpe || config.boolean('clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output', false);
  }

  /** Loads tokenizer.json, or the vocabulary alone of an older folder, and the files beside it. With a runtime the tokenizer can be saved. */
  static async load(folder: Folder, options: OpenOptions = {}, runtime?: Runtime): Promise<CallableTokenizer> {
    return Tokenizer.from(await tokenizerFilesOf(folder, options), folder.locate, runtime && { folder, runtime });
  }

  /** Builds a tokenizer from files that were read before. `locate` gives them their names in errors; `origin` is where they are. */
  static from(files: TokenizerFiles, locate = (file: string): string => file, origin?: TokenizerOrigin): CallableTokenizer {
    const file = shown(locate('tokenizer.json'));
    const tokenizer = guard(file, 'does not describe a tokenizer', () => {
      const description = descriptionOf(files, locate);
      const { root, config } = description;
      const pipeline = new Pipeline(files.lowercase ? lowered(root) : root, config.boolean('split_special_tokens', false));
      return new Tokenizer(pipeline, templateOf(root), description, chatTemplateOf(files, config.get('chat_template')), origin);
    });
    const call = (texts: Text, options: BatchOptions) => tokenizer.batch(texts, options);
    return madeOf(Object.setPrototypeOf(call, tokenizer), files);
  }

  /** Returns the token ids of a text or a pair. */
  encode(text: Text, options: EncodeOptions = {}): number[] {
    return drained(this.rowSteps(text, options)).ids;
  }

  /** Encodes like `encode`, with the segments of tokens, yielding now and then within a long text. */
  *rowSteps(text: Text, options: EncodeOptions = {}): Generator<void, Row> {
    const lengths = lengthsOf(options, encodeOptions, this.model_max_length);
    checkTexts(text, options.text_pair ?? undefined, options.is_split_into_words);
    return yield* this.row(text, options.text_pair ?? undefined, lengths);
  }

  /**
   * Encodings of one text, or of a pair, with all details of each token, above all its offsets. One encoding, or with
   * `stride` as many as it takes; of a pair that is cut in both texts, every window of one meets every window of the other.
   */
  encodings(text: Text, options: EncodingOptions = {}): Encoding[] {
    return drained(this.encodingsSteps(text, options));
  }

  /** Encodes like `encodings`, yielding now and then within a long text. */
  *encodingsSteps(text: Text, options: EncodingOptions = {}): Generator<void, Encoding[]> {
    const lengths = lengthsOf(options, encodingOptions, this.model_max_length);
    checkTexts(text, options.text_pair ?? undefined, options.is_split_into_words);
    return yield* this.windows(text, options.text_pair ?? undefined, lengths);
  }

  /** Returns the tokens of a text; without special tokens unless asked for. */
  tokenize(text: Text, options: EncodeOptions = {}): string[] {
    checkKnown(options, encodeOptions);
    const { add_special_tokens = false } = options;
    return this.encode(text, { ...options, add_special_tokens }).map((id) => this.id_to_token(id) ?? '');
  }

  /** Texts as a model's inputs, a row each. With `is_split_into_words` a list of strings is one text, also one without words. */
  batch(
    texts: Text | readonly Text[],
    options: BatchOptions & {
      /** Lists are given. */
      return_tensor: false;
    },
  ): ListBatch;
  batch(texts: Text | readonly Text[], options?: BatchOptions): Batch;
  batch(texts: Text | readonly Text[], options: BatchOptions = {}): Batch | ListBatch {
    const lengths = lengthsOf(options, batchOptions, this.model_max_length);
    const { is_split_into_words: split, return_tensor = true } = options;
    const isText = (value: unknown) => typeof value === 'string' || (split && Array.isArray(value) && !Array.isArray(value[0]));
    const listOf = (value: unknown) => (isText(value) ? [value] : value) as readonly Text[];
    const all = listOf(texts);
    const pairs = options.text_pair === undefined || options.text_pair === null ? undefined : listOf(options.text_pair);
    if (!Array.isArray(all)) throw new HeedError('ARGUMENT', 'the text must be a string or a list of strings', { culprit: 'text' });
    if (pairs && (!Array.isArray(pairs) || pairs.length !== all.length))
      throw new HeedError('ARGUMENT', `text_pair must have one text for each of ${all.length}`, { culprit: 'text_pair' });
    for (const [i, text] of all.entries()) checkTexts(text, pairs?.[i], split);
    const { return_offsets_mapping, return_overflowing_tokens, return_special_tokens_mask } = options;
    const detailed = return_offsets_mapping || return_overflowing_tokens || return_special_tokens_mask;
    const one = (text: Text, pair: Text | undefined) =>
      detailed ? drained(this.windows(text, pair, lengths)) : [drained(this.row(text, pair, lengths))];
    const found = all.map((text, i) => one(text, pairs?.[i]));
    const rows = found.flat();
    // Lists need not be filled up: only to be cut to their own lengths again.
    const loose = !return_tensor && lengths.fill.length === null;
    const fill = {
      ...lengths.fill,
      ...(loose && { length: undefined }),
      side: loose ? 'right' : (lengths.fill.side ?? this.padding_side),
    } as const;
    const plain = rectangle(rows, fill, loose ? 0 : this.pad_token_id);
    const samples = found.flatMap((row, i) => row.map(() => i));
    const columns = plain.input_ids.dims[1];
    const batch = detailed ? { ...plain, ...details(rows as Encoding[], samples, columns, fill.side, options) } : plain;
    if (return_tensor) return batch;
    const alone = isText(texts) === true && !return_overflowing_tokens;
    return listsOf(batch, loose ? rows.map(({ ids }) => ids.length) : undefined, alone);
  }

  /**
   * A conversation, or several, as the token ids of a chat model's prompt: its template writes roles and messages between the model's special tokens. Throws ARGUMENT for
   * a conversation that the template refuses, FORMAT for an unreadable template, UNSUPPORTED in heed/core before `registerChatTemplates(chatTemplates)`.
   * @example
   * ```js
   * const messages = [{ role: 'user', content: 'Write one sentence about the sea.' }];
   * const inputs = tokenizer.apply_chat_template(messages, { add_generation_prompt: true });
   * const text = tokenizer.apply_chat_template(messages, { tokenize: false });
   * ```
   */
  apply_chat_template(
    conversation: Conversation | readonly Conversation[],
    options: ChatOptions & {
      /** The text is given, or texts of several conversations. */
      tokenize: false;
    },
  ): string;
  apply_chat_template(
    conversation: Conversation | readonly Conversation[],
    options: ChatOptions & {
      /** The ids alone are given. */
      return_dict: false;
    },
  ): Batch['input_ids'];
  apply_chat_template(conversation: Conversation | readonly Conversation[], options?: ChatOptions): Batch;
  apply_chat_template(conversation: Conversation | readonly Conversation[], options: ChatOptions = {}): unknown {
    const render = chatRenderer();
    const { tokenize = true, return_dict = true, padding, truncation, max_length, return_tensor } = options;
    const { all, several } = conversationsOf(conversation);
    const tokens = Object.fromEntries([...this.tokens].map(([role, token]) => [`${role}_token`, token]));
    const texts = all.map((one) => render(one, this.chat_template, tokens, options));
    if (!tokenize) return several ? texts : texts[0];
    const own = { padding, truncation, max_length, ...(return_tensor !== undefined && { return_tensor }) };
    const batch = this.batch(return_tensor === false && !several ? (texts[0] as string) : texts, { ...own, add_special_tokens: false });
    return return_dict ? batch : batch.input_ids;
  }

  /** Token ids as text: a list of them, or a tensor [T] or [1, T]. */
  decode(ids: Iterable<number | bigint> | IdTensor, options: DecodeOptions = {}): string {
    const rows = rowsOf(ids);
    if (rows && rows.length > 1)
      throw new HeedError('SHAPE', 'ids have several rows', { culprit: 'ids', cure: 'Give them to batch_decode' });
    const { skips, shows, cleansUp } = flagsOf(options, this.clean_up_tokenization_spaces);
    const row = rows ? (rows[0] ?? []) : (ids as Iterable<number>);
    const text = decodedAround(row, this, shows, (some) => this.pipeline.decode(some, skips));
    return cleansUp && this.maySpoil ? cleanUp(text) : text;
  }

  /** Lists of token ids, or a tensor [B, T], as texts. */
  batch_decode(ids: Iterable<Iterable<number | bigint>> | IdTensor, options: DecodeOptions = {}): string[] {
    const rows = (rowsOf(ids) ?? ids) as Iterable<Iterable<number>>;
    if (typeof rows?.[Symbol.iterator] !== 'function') throw new HeedError('ARGUMENT', 'the rows must be a list', { culprit: 'rows' });
    return Array.from(rows, (ids) => this.decode(ids, options));
  }

  /** Id of a token, added ones included; undefined for a token outside the vocabulary. Throws ARGUMENT for a value that is no string. */
  token_to_id(token: string): number | undefined {
    if (typeof token !== 'string') throw new HeedError('ARGUMENT', 'a token must be a string', { culprit: 'token' });
    return this.pipeline.idOf(token);
  }

  /** The token of an id; undefined for an id that no token has. */
  id_to_token(id: number): string | undefined {
    return this.pipeline.tokenOf(id);
  }

  /** The ids of tokens, one or several. */
  convert_tokens_to_ids(tokens: string): number | undefined;
  convert_tokens_to_ids(tokens: readonly string[]): (number | undefined)[];
  convert_tokens_to_ids(tokens: string | readonly string[]): number | undefined | (number | undefined)[] {
    return Array.isArray(tokens) ? tokens.map((token) => this.token_to_id(token)) : this.token_to_id(tokens as string);
  }

  /** Every token with its id, added ones included. */
  get_vocab(): Map<string, number> {
    return this.pipeline.vocabulary();
  }

  /** Special tokens: those that `skip_special_tokens` leaves out. */
  get all_special_tokens(): string[] {
    return this.pipeline.specials.map(({ content }) => content);
  }

  /** Ids of all special tokens, in the same order. */
  get all_special_ids(): number[] {
    return this.pipeline.specials.map(({ id }) => id);
  }

  /**
   * Writes the tokenizer's files into a folder, with changed settings, so that heed and transformers load the same tokenizer. Throws STORAGE where that fails,
   * UNSUPPORTED where there are no files.
   */
  async save_pretrained(folder: string): Promise<void> {
    await saveTokenizer(this.origin, folder, { className: this.className(), news: this.news, retired: [...this.retired] });
  }

  private *row(text: Text, pair: Text | undefined, lengths: Lengths): Generator<void, Row> {
    const a = yield* idsOf(this.pipeline, text, enough(pair !== undefined, lengths, this.truncation_side));
    const b = pair === undefined ? undefined : yield* idsOf(this.pipeline, pair);
    if (lengths.cut.length === undefined) return this.template.apply(a, b, lengths.special);
    const [[beginA, endA], [beginB, endB]] = this.cuts(a.length, b?.length, lengths).map(([first]) => first as Span) as [Span, Span];
    return this.template.apply(a.slice(beginA, endA), b?.slice(beginB, endB), lengths.special);
  }

  private *windows(text: Text, pair: Text | undefined, lengths: Lengths): Generator<void, Encoding[]> {
    const trims = this.template.trims.length > 0;
    const a = yield* traceOf(this.pipeline, text, trims, enough(pair !== undefined, lengths, this.truncation_side));
    const b = pair === undefined ? undefined : yield* traceOf(this.pipeline, pair, trims);
    const [partsA, partsB] = this.cuts(a.ids.length, b?.ids.length, lengths);
    const [firstA, ...restA] = partsA as [Span, ...Span[]];
    const [firstB, ...restB] = partsB as [Span, ...Span[]];
    // Hugging Face's order.
    const pairs = [
      [firstA, firstB] as const,
      ...restA.flatMap((a) => partsB.map((b) => [a, b] as const)),
      ...restB.map((b) => [firstA, b] as const),
    ];
    const found: Encoding[] = [];
    for (const [spanA, spanB] of pairs) {
      found.push(this.template.encoding(part(a, spanA), b && part(b, spanB), lengths.special));
      yield;
    }
    return found;
  }

  /** Returns the tokens of either text that go into each window. */
  private cuts(a: number, b: number | undefined, lengths: Lengths): readonly [readonly Span[], readonly Span[]] {
    return cutsOf(a, b, lengths, this.template.count(b !== undefined), this.truncation_side);
  }
}
