/**
 * A tokenizer as Hugging Face's models bring it along: texts to token ids and back, with transformers.js's names. It reads
 * a folder's files and puts together what they describe: the pipeline, the template around it, lengths and padding.
 * tokenizer.json's own truncation and padding are ignored: the caller decides.
 */
import { HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { allOf, JsonNode, readFile, readJson } from '../io/json.js';
import { shown } from '../io/location.js';
import type { OpenOptions } from '../runtime/types.js';
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
  lengthsOf,
  rectangle,
  wrong,
} from './batch.js';
import { cleanUp } from './decoder.js';
import { type Encoding, part, type Side, share, windows } from './encoding.js';
import { guard, Pipeline } from './pipeline.js';
import { drained } from './steps.js';
import { type Row, type Template, templateOf } from './template.js';
import { fromVocabulary } from './vocab_txt.js';

export type { Batch, BatchOptions, EncodeOptions, EncodingOptions, IntTensor } from './batch.js';
export type { Encoding } from './encoding.js';

/** What a model's folder holds for its tokenizer, parsed. */
export interface TokenizerFiles {
  tokenizer: unknown;
  /** tokenizer_config.json */
  config?: unknown;
  /** special_tokens_map.json, which older models have; tokenizer_config.json prevails. */
  specialTokens?: unknown;
}

export interface DecodeOptions {
  skip_special_tokens?: boolean | undefined;
  /** Takes away spaces before punctuation. Default as tokenizer_config.json says. */
  clean_up_tokenization_spaces?: boolean | undefined;
}

/** Token ids, as models give and take them. */
export type IdTensor = { readonly data: Iterable<number | bigint>; readonly dims: readonly number[] };

/** A tensor's rows; undefined for what is none. */
function rowsOf(ids: unknown): (number | bigint)[][] | undefined {
  const { data, dims } = Object(ids) as Partial<IdTensor>;
  if (!data || !dims) return undefined;
  const all = Array.from(data);
  const length = dims.at(-1) || 1;
  return all.flatMap((_, i) => (i % length ? [] : [all.slice(i, i + length)]));
}

/** A tokenizer can be called: `tokenizer(texts, options)` is `tokenizer.batch(texts, options)`. */
export type CallableTokenizer = Tokenizer & ((texts: string | readonly string[], options?: BatchOptions) => Batch);

const decodeOptions = ['skip_special_tokens', 'clean_up_tokenization_spaces'];
const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;

export class Tokenizer {
  /** Tokens that have a role, where there are any, and their ids. */
  readonly bos_token: string | undefined;
  readonly eos_token: string | undefined;
  readonly unk_token: string | undefined;
  readonly sep_token: string | undefined;
  readonly pad_token: string | undefined;
  readonly cls_token: string | undefined;
  readonly mask_token: string | undefined;
  readonly bos_token_id: number | undefined;
  readonly eos_token_id: number | undefined;
  readonly unk_token_id: number | undefined;
  readonly sep_token_id: number | undefined;
  readonly pad_token_id: number | undefined;
  readonly cls_token_id: number | undefined;
  readonly mask_token_id: number | undefined;
  /** The longest row that the model can take, where the files say so. */
  readonly model_max_length: number | undefined;
  readonly padding_side: Side;
  readonly truncation_side: Side;
  private readonly cleansUp: boolean;

  private constructor(
    private readonly pipeline: Pipeline,
    private readonly template: Template,
    config: JsonNode,
    specialTokens: JsonNode,
  ) {
    for (const role of roles) {
      const token = tokenIn(config, `${role}_token`) ?? tokenIn(specialTokens, `${role}_token`);
      this[`${role}_token`] = token;
      this[`${role}_token_id`] = token === undefined ? undefined : this.token_to_id(token);
    }
    // Python writes 1e30 where it knows no limit.
    const most = config.get('model_max_length');
    this.model_max_length = typeof most === 'number' && Number.isInteger(most) && most > 0 && most < 2 ** 31 ? most : undefined;
    this.padding_side = sideIn(config, 'padding_side');
    this.truncation_side = sideIn(config, 'truncation_side');
    this.cleansUp = config.boolean('clean_up_tokenization_spaces', false);
  }

  /** Reads tokenizer.json, and tokenizer_config.json and special_tokens_map.json where there are any; vocab.txt of a BERT that has no tokenizer.json. */
  static async load(folder: Folder, options: OpenOptions = {}): Promise<CallableTokenizer> {
    return Tokenizer.from(await tokenizerFilesOf(folder, options), folder.locate);
  }

  /** Builds a tokenizer from files that were read before. `locate` gives them their names in errors. */
  static from(files: TokenizerFiles, locate = (file: string): string => file): CallableTokenizer {
    const file = shown(locate('tokenizer.json'));
    const tokenizer = guard(file, 'does not describe a tokenizer', () => {
      const config = JsonNode.of(locate('tokenizer_config.json'), files.config ?? {});
      const specialTokens = JsonNode.of(locate('special_tokens_map.json'), files.specialTokens ?? {});
      const root = JsonNode.of(file, files.tokenizer);
      return new Tokenizer(new Pipeline(root), templateOf(root), config, specialTokens);
    });
    const call = (texts: string | readonly string[], options?: BatchOptions) => tokenizer.batch(texts, options);
    return Object.setPrototypeOf(call, tokenizer);
  }

  /** One text, or a pair, as token ids. */
  encode(text: string, options: EncodeOptions = {}): number[] {
    return drained(this.rowSteps(text, options)).ids;
  }

  /** As encode, with the segments of tokens, yielding now and then within a long text. */
  *rowSteps(text: string, options: EncodeOptions = {}): Generator<void, Row> {
    const lengths = lengthsOf(options, encodeOptions, this.model_max_length);
    return yield* this.row(text, options.text_pair ?? undefined, lengths);
  }

  /**
   * One text, or a pair, with what is known of each token: where in the text it stands above all. One encoding, or with
   * `stride` as many as it takes; of a pair that is cut in both texts, every window of one meets every window of the other.
   */
  encodings(text: string, options: EncodingOptions = {}): Encoding[] {
    return drained(this.encodingsSteps(text, options));
  }

  /** As encodings, yielding now and then within a long text. */
  *encodingsSteps(text: string, options: EncodingOptions = {}): Generator<void, Encoding[]> {
    const lengths = lengthsOf(options, encodingOptions, this.model_max_length);
    return yield* this.windows(text, options.text_pair ?? undefined, lengths);
  }

  /** One text as tokens; without special ones unless asked for. */
  tokenize(text: string, options: EncodeOptions = {}): string[] {
    checkKnown(options, encodeOptions);
    const { add_special_tokens = false } = options;
    return this.encode(text, { ...options, add_special_tokens }).map((id) => this.id_to_token(id) ?? '');
  }

  /** Texts as a model's inputs, a row each. */
  batch(texts: string | readonly string[], options: BatchOptions = {}): Batch {
    const lengths = lengthsOf(options, batchOptions, this.model_max_length);
    const { text_pair } = options;
    const all = typeof texts === 'string' ? [texts] : texts;
    const pairs = typeof text_pair === 'string' ? [text_pair] : (text_pair ?? undefined);
    if (!Array.isArray(all)) throw new HeedError('ARGUMENT', 'the text must be a string or a list of strings', { culprit: 'text' });
    if (pairs && (!Array.isArray(pairs) || pairs.length !== all.length))
      throw new HeedError('ARGUMENT', `text_pair must have one text for each of ${all.length}`, { culprit: 'text_pair' });
    const fill = { ...lengths.fill, side: lengths.fill.side ?? this.padding_side };
    const { return_offsets_mapping, return_overflowing_tokens, return_special_tokens_mask } = options;
    if (!return_offsets_mapping && !return_overflowing_tokens && !return_special_tokens_mask)
      return rectangle(
        all.map((text, i) => drained(this.row(text, pairs?.[i], lengths))),
        fill,
        this.pad_token_id,
      );
    const rows = all.map((text, i) => drained(this.windows(text, pairs?.[i], lengths)));
    const samples = rows.flatMap((row, i) => row.map(() => i));
    const batch = rectangle(rows.flat(), fill, this.pad_token_id);
    return { ...batch, ...details(rows.flat(), samples, batch.input_ids.dims[1], fill.side, options) };
  }

  /** Token ids as text: a list of them, or a tensor [T] or [1, T]. */
  decode(ids: Iterable<number | bigint> | IdTensor, options: DecodeOptions = {}): string {
    checkKnown(options, decodeOptions);
    const rows = rowsOf(ids);
    if (rows && rows.length > 1)
      throw new HeedError('SHAPE', 'ids have several rows', { culprit: 'ids', cure: 'Give them to batch_decode' });
    const skips = options.skip_special_tokens ?? false;
    const cleansUp = options.clean_up_tokenization_spaces ?? this.cleansUp;
    if (typeof skips !== 'boolean') throw wrong('skip_special_tokens', 'true or false', skips);
    if (typeof cleansUp !== 'boolean') throw wrong('clean_up_tokenization_spaces', 'true or false', cleansUp);
    const text = this.pipeline.decode(rows ? (rows[0] ?? []) : (ids as Iterable<number>), skips);
    return cleansUp ? cleanUp(text) : text;
  }

  /** Lists of token ids, or a tensor [B, T], as texts. */
  batch_decode(ids: Iterable<Iterable<number | bigint>> | IdTensor, options: DecodeOptions = {}): string[] {
    const rows = (rowsOf(ids) ?? ids) as Iterable<Iterable<number>>;
    if (typeof rows?.[Symbol.iterator] !== 'function') throw new HeedError('ARGUMENT', 'the rows must be a list', { culprit: 'rows' });
    return Array.from(rows, (ids) => this.decode(ids, options));
  }

  token_to_id(token: string): number | undefined {
    if (typeof token !== 'string') throw new HeedError('ARGUMENT', 'a token must be a string', { culprit: 'token' });
    return this.pipeline.idOf(token);
  }

  id_to_token(id: number): string | undefined {
    return this.pipeline.tokenOf(id);
  }

  private *row(text: string, pair: string | undefined, lengths: Lengths): Generator<void, Row> {
    checkTexts(text, pair);
    const a = yield* this.pipeline.encodeSteps(text, this.enough(pair, lengths));
    const b = pair === undefined ? undefined : yield* this.pipeline.encodeSteps(pair);
    if (lengths.cut.length === undefined) return this.template.apply(a, b, lengths.special);
    const [[beginA, endA], [beginB, endB]] = this.cuts(a.length, b?.length, lengths).map(([first]) => first as Span) as [Span, Span];
    return this.template.apply(a.slice(beginA, endA), b?.slice(beginB, endB), lengths.special);
  }

  private *windows(text: string, pair: string | undefined, lengths: Lengths): Generator<void, Encoding[]> {
    checkTexts(text, pair);
    const trims = this.template.trims !== undefined;
    const a = yield* this.pipeline.traceSteps(text, trims, this.enough(pair, lengths));
    const b = pair === undefined ? undefined : yield* this.pipeline.traceSteps(pair, trims);
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

  /** So many tokens of a text, the first of a pair, that more would be cut off in any case; undefined where there are none. */
  private enough(pair: string | undefined, { cut }: Lengths): number | undefined {
    const { length, side = this.truncation_side, stride, strategy } = cut;
    return side === 'right' && stride === undefined && (pair === undefined || strategy === 'only_first') ? length : undefined;
  }

  /** Which tokens of either text go into each window. */
  private cuts(a: number, b: number | undefined, { special, cut }: Lengths): readonly [readonly Span[], readonly Span[]] {
    const { length, strategy, stride, side = this.truncation_side } = cut;
    const count = special ? this.template.count(b !== undefined) : 0;
    if (length !== undefined && length < count)
      throw new HeedError('ARGUMENT', `max_length ${length} has no room for ${count} special tokens`, { culprit: 'max_length' });
    const [mostA, mostB] = length === undefined ? [a, b ?? 0] : share(a, b, length - count, strategy);
    return [windows(a, mostA, stride, side), windows(b ?? 0, mostB, stride, side)];
  }
}

/** Reads what a folder says of its tokenizer. Throws NOT_FOUND where that is nothing. */
export async function tokenizerFilesOf(folder: Folder, options: OpenOptions = {}): Promise<TokenizerFiles> {
  checkKnown(options, ['signal']);
  const { signal } = options;
  const read = (file: string, optional: boolean) => readJson(folder, file, { signal, optional });
  const [tokenizer, config, specialTokens] = await allOf([
    read('tokenizer.json', true),
    read('tokenizer_config.json', true),
    read('special_tokens_map.json', true),
  ]);
  if (tokenizer !== undefined) return { tokenizer, config, specialTokens };
  const vocab = await readFile(folder, 'vocab.txt', { signal, optional: true });
  const files = vocab && fromVocabulary(new TextDecoder().decode(vocab), config, specialTokens, folder.locate);
  // Which says that it is not there.
  return files ?? { tokenizer: await read('tokenizer.json', false) };
}

function checkTexts(text: unknown, pair: unknown): void {
  if (typeof text !== 'string' || !(pair === undefined || typeof pair === 'string'))
    throw new HeedError('ARGUMENT', 'a text must be a string', { culprit: typeof text === 'string' ? 'text_pair' : 'text' });
}

/** "pad_token": "[PAD]" or {"content": "[PAD]", …} */
function tokenIn(node: JsonNode, key: string): string | undefined {
  const value = node.get(key);
  return typeof value === 'string' || value === undefined ? value : node.object(key).string('content');
}

function sideIn(node: JsonNode, key: string): Side {
  const side = node.string(key, 'right');
  if (side === 'left' || side === 'right') return side;
  throw node.error(`must have left or right for ${key}`);
}
