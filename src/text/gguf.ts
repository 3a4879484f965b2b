/**
 * A tokenizer out of a GGUF file's metadata, as the files that Hugging Face would keep it in: tokenizer.json and tokenizer_config.json. GGUF holds pieces, their
 * kinds, merges or scores, and a name for how texts are split before (llama.cpp's llama-vocab.cpp says what each name stands for).
 */
import { HeedError } from '../errors.js';
import { type GgufMetadata, GgufTexts, type GgufValue } from '../io/gguf.js';
import { malformed, quote } from '../io/header.js';

/** GPT-2's contractions, words, numbers and marks: what ByteLevel splits by itself. */
const byWords = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bytes = { ...byWords, use_regex: false };
const by = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const words = (digits: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** How texts are split before pieces are found, by the names that files have for it (tokenizer.ggml.pre). */
const splitters: readonly (readonly [names: readonly string[], pre_tokenizers: readonly object[], ignore_merges?: boolean])[] = [
  [['gpt-2', 'gpt2', 'phi-2', 'roberta-bpe', 'olmo', 'jais', 'mpt', 'jina-es', 'jina-de', 'jina-v1-en', 'gigachat'], [byWords]],
  [
    ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'minerva-7b'],
    [{ type: 'Digits', individual_digits: true }, byWords],
  ],
  [['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'pixtral'], [by(words('{1,3}')), bytes], true],
  [
    ['dbrx', 'smaug-bpe'],
    [by(words('{1,3}')), bytes],
  ],
  [
    ['qwen2', 'stablelm2', 'deepseek-r1-qwen', 'megrez', 'hunyuan'],
    [by(words('')), bytes],
  ],
];

/** Kinds of pieces (llama_token_type). */
const [UNKNOWN, CONTROL, USER_DEFINED, BYTE] = [2, 3, 4, 6];

/** What a tokenizer's files hold, by their names. */
export type GgufTokenizer = Readonly<Record<'tokenizer.json' | 'tokenizer_config.json', object>>;

/** The pieces of a file. */
interface Pieces {
  tokens: readonly string[];
  kinds: ArrayLike<number>;
  scores: ArrayLike<number> | undefined;
  merges: readonly string[] | undefined;
}

/** Reads metadata with checks: what a key has is of the kind that is expected, or absent. */
class Reader {
  constructor(
    readonly file: string,
    readonly metadata: GgufMetadata,
  ) {}

  #read<T>(key: string, kind: string, fits: (value: GgufValue) => value is T & GgufValue): T | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || fits(value)) return value as T | undefined;
    throw malformed(this.file, `${key} is not ${kind}`, key);
  }

  text = (key: string) => this.#read<string>(key, 'a text', (value) => typeof value === 'string');
  flag = (key: string) => this.#read<boolean>(key, 'true or false', (value) => typeof value === 'boolean');
  texts = (key: string) => this.#read<GgufTexts>(key, 'a list of texts', (value) => value instanceof GgufTexts)?.list();
  numbers = (key: string) =>
    this.#read<ArrayLike<number> & GgufValue>(key, 'a list of numbers', (value): value is never => ArrayBuffer.isView(value));
  id = (key: string, most: number) =>
    this.#read<number>(
      key,
      `a token from 0 to ${most - 1}`,
      (value): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < most,
    );

  unsupported(key: string, what: string): HeedError {
    return new HeedError('UNSUPPORTED', `${this.file}: heed has no tokenizer ${what}`, {
      culprit: key,
      cure: 'Take the safetensors model',
    });
  }
}

/** The tokenizer of a file; undefined where it has none. Throws FORMAT, and UNSUPPORTED for a kind that heed does not have. */
export function tokenizerInGguf(file: string, metadata: GgufMetadata): GgufTokenizer | undefined {
  const read = new Reader(file, metadata);
  const kind = read.text('tokenizer.ggml.model');
  const tokens = read.texts('tokenizer.ggml.tokens');
  if (kind === undefined || tokens === undefined) return undefined;
  const kinds = read.numbers('tokenizer.ggml.token_type') ?? new Int32Array(tokens.length).fill(1);
  const scores = read.numbers('tokenizer.ggml.scores');
  for (const list of [kinds, ...(scores ? [scores] : [])])
    if (list.length !== tokens.length) throw malformed(file, `has ${tokens.length} tokens, and says of ${list.length} what they are`);
  const pieces = { tokens, kinds, scores, merges: read.texts('tokenizer.ggml.merges') };
  const makers: Readonly<Record<string, (read: Reader, pieces: Pieces) => object>> = { gpt2: byteLevel, llama: sentencePieces };
  const make = Object.hasOwn(makers, kind) ? makers[kind] : undefined;
  if (!make) throw read.unsupported('tokenizer.ggml.model', quote(kind));
  const token = (name: string) => {
    const id = read.id(`tokenizer.ggml.${name}_token_id`, tokens.length);
    return id === undefined ? undefined : tokens[id];
  };
  const [bos, eos, unk, pad] = ['bos', 'eos', 'unknown', 'padding'].map(token);
  const adds = (name: string, absent: boolean) => read.flag(`tokenizer.ggml.add_${name}_token`) ?? absent;
  const before = adds('bos', kind === 'llama') && bos !== undefined ? [bos] : [];
  const behind = adds('eos', false) && eos !== undefined ? [eos] : [];
  return {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: addedTokens(pieces),
      ...make(read, pieces),
      post_processor: templateOf(tokens, before, behind),
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...{ bos_token: bos, eos_token: eos, unk_token: unk, pad_token: pad ?? eos },
      chat_template: read.text('tokenizer.chat_template'),
      clean_up_tokenization_spaces: false,
    },
  };
}

const addedTokens = ({ tokens, kinds }: Pieces): object[] =>
  tokens.flatMap((content, id) => {
    const kind = kinds[id];
    if (kind !== CONTROL && kind !== USER_DEFINED && kind !== UNKNOWN) return [];
    return [{ id, content, special: kind !== USER_DEFINED, single_word: false, lstrip: false, rstrip: false, normalized: false }];
  });

function templateOf(tokens: readonly string[], before: readonly string[], behind: readonly string[]): object | undefined {
  if (before.length + behind.length === 0) return undefined;
  const around = (sequence: string, type_id: number) => [
    ...before.map((id) => ({ SpecialToken: { id, type_id } })),
    { Sequence: { id: sequence, type_id } },
    ...behind.map((id) => ({ SpecialToken: { id, type_id } })),
  ];
  const special = [...new Set([...before, ...behind])].map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }]);
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(special),
  };
}

/** Pieces by their ids; of two that are alike the first counts. */
function vocabularyOf({ tokens }: Pieces): Record<string, number> {
  const vocabulary: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) vocabulary[token] ??= id;
  return vocabulary;
}

/** Byte-level BPE, as GPT-2 has it. */
function byteLevel(read: Reader, pieces: Pieces): object {
  const pre = read.text('tokenizer.ggml.pre') ?? 'gpt-2';
  const [, pre_tokenizers, ignore_merges = false] = splitters.find(([names]) => names.includes(pre)) ?? [];
  if (!pre_tokenizers) throw read.unsupported('tokenizer.ggml.pre', `that splits texts as ${quote(pre)}`);
  if (!pieces.merges) throw malformed(read.file, 'it has no merges', 'tokenizer.ggml.merges');
  return {
    normalizer: null,
    pre_tokenizer: pre_tokenizers.length === 1 ? pre_tokenizers[0] : { type: 'Sequence', pretokenizers: pre_tokenizers },
    decoder: byWords,
    model: { type: 'BPE', vocab: vocabularyOf(pieces), merges: pieces.merges, ignore_merges },
  };
}

/** Longest piece whose merges are looked for: no model has longer ones that are not spaces. */
const LONGEST = 256;

/** SentencePiece's BPE, in characters with ▁ for a space, and bytes for what is unknown. Merges are pairs of pieces that make a piece, the likeliest first. */
function sentencePieces(read: Reader, pieces: Pieces): object {
  const { tokens, kinds, scores } = pieces;
  if (!scores) throw malformed(read.file, 'it has no scores', 'tokenizer.ggml.scores');
  const vocab = vocabularyOf(pieces);
  const found: { score: number; left: string; right: string }[] = [];
  for (const [id, token] of tokens.entries()) {
    if (kinds[id] === BYTE || kinds[id] === CONTROL || token.length > LONGEST) continue;
    const own: typeof found = [];
    for (let i = 1; i < token.length; i++) {
      const [left, right] = [token.slice(0, i), token.slice(i)];
      if (left in vocab && right in vocab) own.push({ score: scores[id] as number, left, right });
    }
    const place = ({ left }: { left: string }) => vocab[left] as number;
    found.push(...own.sort((a, b) => place(a) - place(b)));
  }
  // Among merges of one score the longest left half comes first, as in transformers.
  found.sort((a, b) => b.score - a.score || b.left.length - a.left.length || b.right.length - a.right.length);
  const prefix = read.flag('tokenizer.ggml.add_space_prefix') ?? true;
  const unknown = tokens[read.id('tokenizer.ggml.unknown_token_id', tokens.length) ?? 0];
  const space = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const back = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  const strip = prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : [];
  return {
    normalizer: { type: 'Sequence', normalizers: [...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []), space] },
    pre_tokenizer: null,
    decoder: { type: 'Sequence', decoders: [back, { type: 'ByteFallback' }, { type: 'Fuse' }, ...strip] },
    model: {
      type: 'BPE',
      vocab,
      merges: found.map(({ left, right }) => [left, right]),
      unk_token: unknown,
      fuse_unk: true,
      byte_fallback: true,
    },
  };
}
