/** Small tokenizers of the kinds that BERT's is none of, with the parts that others have. Their ids are below 97. */

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

export const tokenizers: readonly object[] = [bpe, unigram];
