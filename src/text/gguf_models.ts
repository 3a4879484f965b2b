/** What a GGUF file's pieces become in a tokenizer.json: normalizer, pre-tokenizer, model and decoder, by the kinds of tokenizers that files name. */
import type { GgufTexts } from '../io/gguf_texts.js';
import { malformed, quote } from '../io/header.js';
import { GgufMerges, GgufPieces } from './gguf_pieces.js';
import type { GgufReader } from './gguf_reader.js';
import { type Splitter, splitterOf } from './gguf_splitters.js';

/** Kinds of pieces (llama_token_type). */
export const [UNKNOWN, CONTROL, USER_DEFINED, BYTE] = [2, 3, 4, 6];

/** Pieces of a file. */
export interface Pieces {
  tokens: GgufTexts;
  kinds: ArrayLike<number>;
  scores: ArrayLike<number> | undefined;
  merges: GgufTexts | undefined;
}

/** Special tokens around texts where the file does not say. */
export interface Habits {
  bos: boolean;
  eos: boolean;
  /** `true` where a token stands between the texts of a pair. */
  sep: boolean;
}

/** A kind of tokenizers. */
export interface GgufTokenizerKind {
  habits(read: GgufReader): Habits;
  /** Parts of tokenizer.json, without added tokens and template. Throws FORMAT, UNSUPPORTED. */
  parts(read: GgufReader, pieces: Pieces): object;
}

const byWords = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bytes = { ...byWords, use_regex: false };
const by = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const replaced = (from: string, content: string) => ({ type: 'Replace', pattern: { String: from }, content });
const sequence = (type: string, steps: readonly object[]) => ({ type: 'Sequence', [type]: steps });

/** Pieces by their ids; of equal pieces the first counts. */
function vocabularyOf(tokens: readonly string[]): Record<string, number> {
  const vocabulary: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) vocabulary[token] ??= id;
  return vocabulary;
}

/** Decoder that turns marks into spaces, and byte tokens into bytes. */
const spaced = (strips: boolean) =>
  sequence('decoders', [
    ...[replaced('▁', ' '), { type: 'ByteFallback' }, { type: 'Fuse' }],
    ...(strips ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ]);

function splitterIn(read: GgufReader): Splitter {
  const name = read.text('tokenizer.ggml.pre') ?? 'default';
  const found = splitterOf(name);
  if (!found) throw read.unsupported('tokenizer.ggml.pre', `that splits texts as ${quote(name)}`);
  return found;
}

/** BPE with the merges that the file lists: of bytes, as GPT-2 has it, or of characters. */
const merging: GgufTokenizerKind = {
  habits(read) {
    const { begins = false, separates = false } = splitterIn(read);
    return { bos: begins, eos: false, sep: separates };
  },
  parts(read, { tokens, merges }) {
    const { cuts, whole = false, characters = false } = splitterIn(read);
    if (!merges) throw malformed(read.file, 'it has no merges', 'tokenizer.ggml.merges');
    const vocab = new GgufPieces(tokens);
    const model = { type: 'BPE', vocab, merges: new GgufMerges(merges, vocab), ignore_merges: whole };
    const cutting = cuts.length ? cuts.map(by) : [{ type: 'WhitespaceSplit' }];
    if (!characters) return { normalizer: null, pre_tokenizer: sequence('pretokenizers', [...cutting, bytes]), decoder: byWords, model };
    return {
      // Parts that are split at white space have none left.
      normalizer: cuts.length ? replaced(' ', '▁') : null,
      pre_tokenizer: sequence('pretokenizers', cutting),
      decoder: spaced(false),
      model: { ...model, byte_fallback: vocab.idOf('<0x00>') !== undefined, fuse_unk: true, unk_token: read.token('unknown', tokens) },
    };
  },
};

/** Longest piece whose merges are looked for: no model has longer ones that are not spaces. */
const LONGEST = 256;

/** Merges are pairs of pieces that make a piece, the likeliest first; among those of one score the longest left half comes first, as in transformers. */
function mergesOf(
  tokens: readonly string[],
  kinds: ArrayLike<number>,
  scores: ArrayLike<number>,
  vocab: Record<string, number>,
): [string, string][] {
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
  found.sort((a, b) => b.score - a.score || b.left.length - a.left.length || b.right.length - a.right.length);
  return found.map(({ left, right }) => [left, right]);
}

function scoresIn(read: GgufReader, { scores }: Pieces): ArrayLike<number> {
  if (!scores) throw malformed(read.file, 'it has no scores', 'tokenizer.ggml.scores');
  return scores;
}

/** SentencePiece's BPE, over characters with ▁ for a space, and bytes for unknown characters. */
const sentencePieces: GgufTokenizerKind = {
  habits: () => ({ bos: true, eos: false, sep: false }),
  parts(read, pieces) {
    const tokens = pieces.tokens.list();
    const scores = scoresIn(read, pieces);
    const vocab = vocabularyOf(tokens);
    const prefix = read.flag('tokenizer.ggml.add_space_prefix') ?? true;
    return {
      normalizer: sequence('normalizers', [...(prefix ? [{ type: 'Prepend', prepend: '▁' }] : []), replaced(' ', '▁')]),
      pre_tokenizer: null,
      decoder: spaced(prefix),
      model: {
        ...{ type: 'BPE', vocab, merges: mergesOf(tokens, pieces.kinds, scores, vocab) },
        ...{ unk_token: read.token('unknown', pieces.tokens) ?? tokens[0], fuse_unk: true, byte_fallback: true },
      },
    };
  },
};

/** BERT's WordPiece: in the file a piece that begins a word has ▁ before it, and other pieces have no prefix. */
const wordPieces: GgufTokenizerKind = {
  habits: () => ({ bos: true, eos: false, sep: true }),
  parts(read, { tokens, kinds }) {
    const special = (id: number) => kinds[id] === CONTROL || kinds[id] === UNKNOWN;
    const own = tokens.list().map((token, id) => (special(id) ? token : token.startsWith('▁') ? token.slice(1) : `##${token}`));
    const lowercase = read.flag('tokenizer.ggml.normalizer.lowercase') ?? true;
    return {
      normalizer: {
        ...{ type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase },
        strip_accents: read.flag('tokenizer.ggml.normalizer.strip_accents') ?? lowercase,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: { type: 'WordPiece', vocab: vocabularyOf(own), unk_token: read.token('unknown', tokens) ?? '[UNK]' },
    };
  },
};

/** SentencePiece's unigram model, with its table of characters. */
const unigram: GgufTokenizerKind = {
  habits: () => ({ bos: false, eos: true, sep: false }),
  parts(read, pieces) {
    const { kinds } = pieces;
    const tokens = pieces.tokens.list();
    const scores = scoresIn(read, pieces);
    const charsmap = read.bytes('tokenizer.ggml.precompiled_charsmap');
    const unk = read.id('tokenizer.ggml.unknown_token_id', tokens.length) ?? Array.from(tokens.keys()).find((id) => kinds[id] === UNKNOWN);
    const extra = read.flag('tokenizer.ggml.remove_extra_whitespaces') ?? false;
    const mark = { type: 'Metaspace', replacement: '▁', split: true };
    const scheme = { prepend_scheme: (read.flag('tokenizer.ggml.add_space_prefix') ?? true) ? 'always' : 'never' };
    const steps = [
      ...(charsmap ? [{ type: 'Precompiled', precompiled_charsmap: charsmap }] : []),
      ...(extra
        ? [
            { type: 'Strip', strip_left: false, strip_right: true },
            { ...replaced('', '▁'), pattern: { Regex: ' {2,}' } },
          ]
        : []),
    ];
    return {
      normalizer: steps.length ? sequence('normalizers', steps) : null,
      pre_tokenizer: { ...mark, ...scheme },
      decoder: { ...mark, ...scheme },
      model: {
        ...{ type: 'Unigram', vocab: tokens.map((token, id) => [token, scores[id]]), unk_id: unk },
        byte_fallback: Array.from(kinds).includes(BYTE),
      },
    };
  },
};

/** Kinds of tokenizers by their names in files (tokenizer.ggml.model). */
export const tokenizerKinds: Readonly<Record<string, GgufTokenizerKind>> = {
  ...{ gpt2: merging, gemma4: merging, llama: sentencePieces, bert: wordPieces, t5: unigram },
};
