/** Small tokenizers of the kinds that BERT's is none of, with the parts that others have. Their ids are below 50. */
import { charsmapOf } from './charsmap.js';

const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789.,!?'"];
const special = (id: number, content: string) => ({
  id,
  content,
  special: true,
  normalized: false,
  single_word: false,
  lstrip: false,
  rstrip: false,
});
const added_tokens = [
  special(0, '[PAD]'),
  special(1, '[UNK]'),
  special(2, '[CLS]'),
  special(3, '[SEP]'),
  { ...special(4, '[MASK]'), lstrip: true },
];
const vocabulary = (mark: string, more: readonly string[]) =>
  Object.fromEntries(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', mark, ...letters, ...more].map((token, id) => [token, id]));

const slot = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
const text = (id: 'A' | 'B') => ({ Sequence: { id, type_id: Number(id === 'B') } });

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const words = { type: 'Split', pattern: { Regex: '\\p{L}+|\\p{N}{1,3}|[^\\s\\p{L}\\p{N}]+|\\s+' }, behavior: 'Isolated', invert: false };

/** As GPT-2 and RoBERTa have it. */
const bpe = {
  added_tokens,
  normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Lowercase' }] },
  pre_tokenizer: { type: 'Sequence', pretokenizers: [words, byteLevel] },
  post_processor: { type: 'RobertaProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2], trim_offsets: true, add_prefix_space: false },
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    unk_token: '[UNK]',
    fuse_unk: true,
    vocab: vocabulary('Ġ', ['ca', 'cat', 'Ġa']),
    merges: ['c a', 'ca t', 'Ġ a'],
  },
};

/** As T5 and XLM-RoBERTa have it. */
const unigram = {
  added_tokens,
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Strip', strip_left: true, strip_right: true },
      { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
      { type: 'NFKC' },
      { type: 'StripAccents' },
      { type: 'Prepend', prepend: '' },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true },
      { type: 'Digits', individual_digits: true },
      { type: 'Punctuation' },
    ],
  },
  post_processor: {
    type: 'Sequence',
    processors: [{ type: 'ByteLevel' }, { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] }],
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Metaspace', replacement: '▁' },
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: { type: 'Unigram', unk_id: 1, vocab: Object.keys(vocabulary('▁', ['▁cat'])).map((token, id) => [token, -id / 10]) },
};

/** As XLM-RoBERTa has it, with SentencePiece's own normalizer. */
const precompiled = {
  ...unigram,
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Precompiled', precompiled_charsmap: charsmapOf({ Ａ: 'a', ﬁ: 'fi', ö: 'o' }) },
      { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
    ],
  },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  post_processor: {
    type: 'TemplateProcessing',
    single: [slot('[CLS]'), text('A'), slot('[SEP]')],
    pair: [slot('[CLS]'), text('A'), slot('[SEP]'), slot('[SEP]'), text('B'), slot('[SEP]')],
    special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
  },
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
};

const bytes = [0x20, 0x21, 0x2c, 0x34, 0x32, 0x41, 0xc3, 0xb6, 0xe5, 0xad, 0x97, 0xef, 0xbf, 0xbd];
const byteTokens = bytes.map((byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

/** As Llama 2 has it: what is in no vocabulary is spelt in bytes. */
const byteFallback = {
  added_tokens,
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  pre_tokenizer: null,
  post_processor: precompiled.post_processor,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '[UNK]',
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(
      ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '▁', ...letters.slice(0, 26), ...byteTokens, 'ca', 'cat', '▁cat'].map((token, id) => [
        token,
        id,
      ]),
    ),
    merges: ['c a', 'ca t', ['▁', 'cat']],
  },
};

/** As BERT has it. */
const wordPiece = {
  added_tokens,
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: precompiled.post_processor,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: vocabulary('##s', ['cat', '##at']),
  },
};

export const tokenizers: readonly object[] = [wordPiece, bpe, unigram, precompiled, byteFallback];
