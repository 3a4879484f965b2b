/** What an enemy, or another model, would put into a folder: patterns that never end, tables that lead astray, values that a config has nowhere, other families' files. */
import { flip } from './bytes.js';
import type { FilesMutation } from './checkpoint.js';
import { allTokenizers, decode, encode, type Files, pick } from './files.js';
import { configKeys, specimens } from './specimens.js';

type Json = Record<string, unknown>;

const parsed = (files: Files, name: string): Json => JSON.parse(decode(files[name])) as Json;
const put = (files: Files, name: string, value: unknown): Files => ({ ...files, [name]: encode(JSON.stringify(value)) });

/** Most of them go through [a cat …] in more ways than there are atoms, unless they are refused. */
const patterns = [
  ...[
    '(a+)+$',
    '(a|a)*!',
    '(.*)*x',
    '(\\w+\\s?)*$',
    '([^,]*,?)+x',
    '(a?){30}a{30}',
    '.*.*.*.*.*=',
    '(?:\\s*\\w*)*,,',
    '(x+x+)+y',
    '(?=(.+)+!)a',
  ],
  ...[
    '^(([a-z ])+.)+[A-Z]([a-z])+$',
    '(?<!(a+)+b)c',
    '(.)\\1+',
    '(?:a{0,999}){0,999}b',
    '\\p{L}{1000}{1000}',
    '((((((a*)*)*)*)*)*)*b',
    '',
    '^',
    '$',
  ],
  ...[
    '(?!)',
    '(?=)',
    '\\b',
    '|',
    'a||',
    '(',
    '[',
    '\\',
    '*',
    '(?<n>a)\\k<n>',
    '[^]',
    '[]',
    '\\p{Nope}',
    '[a-z&&[^aeiou]]+',
    '\\X',
    '(?i)a',
    '(?i:CAT)',
  ],
  ...[
    '\\G',
    '\\K',
    'a++',
    '(?>a+)a',
    '\\h+',
    '\\R',
    '[[:alpha:]]+',
    '\\u{110000}',
    '\\x{41}',
    "(?:'s|'t)+",
    '\\s+(?!\\S)|\\s+',
    '\\p{L}+|\\p{N}{1,3}',
  ],
];

/** A pattern in the place of a part of tokenizer.json, or before all of them. */
export const pattern: FilesMutation = (random, files) => {
  const tokenizer = parsed(files, 'tokenizer.json');
  const source = pick(random, patterns);
  const one = random.next() < 0.9 ? { Regex: source } : { String: source };
  const behavior = pick(random, ['Isolated', 'Isolated', 'Removed', 'MergedWithNext']);
  const parts = [
    ['pre_tokenizer', 'pretokenizers', { type: 'Split', pattern: one, behavior, invert: behavior === 'Removed' && random.next() < 0.5 }],
    ['normalizer', 'normalizers', { type: 'Replace', pattern: one, content: pick(random, ['', ' ', 'aa', '$&$&', '\\1']) }],
    ['decoder', 'decoders', { type: 'Replace', pattern: one, content: pick(random, ['', 'aa', '$1']) }],
  ] as const;
  const [key, list, part] = pick(random, parts);
  const own = tokenizer[key];
  return put(files, 'tokenizer.json', {
    ...tokenizer,
    [key]: own && random.next() < 0.5 ? { type: 'Sequence', [list]: [part, own] } : part,
  });
};

/** A changed table of SentencePiece's, in the folder's tokenizer or in one that has one. */
export const charsmap: FilesMutation = (random, files) => {
  const find = (text: string) => /"precompiled_charsmap":"([^"]*)"/.exec(text)?.[1];
  const own = decode(files['tokenizer.json']);
  const text = find(own) ? own : (allTokenizers.map(decode).find(find) as string);
  const table = find(text) as string;
  const bytes = new Uint8Array(Buffer.from(table, 'base64'));
  const words = new Uint32Array(bytes.slice(4, bytes.length & ~3).buffer);
  const deeds = [
    () => flip(random, bytes),
    () => bytes.slice(0, random.below(bytes.length)),
    () => new Uint8Array(bytes.length).fill(random.below(256)),
    () => {
      for (let n = 1 + random.below(300); n > 0; n--) words[random.below(words.length)] = random.below(2 ** 32);
      return Buffer.concat([bytes.slice(0, 4), new Uint8Array(words.buffer)]);
    },
  ];
  return { ...files, 'tokenizer.json': encode(text.replace(table, Buffer.from(pick(random, deeds)()).toString('base64'))) };
};

/** The same parts with more of them: tokens that overlap, that are empty, that have others' ids; merges of what is not there; scores that are none. */
export const vocabulary: FilesMutation = (random, files) => {
  const tokenizer = parsed(files, 'tokenizer.json') as { added_tokens: Json[]; model: Json };
  const model = { ...tokenizer.model };
  const added = [...tokenizer.added_tokens];
  const words = ['a', ' ', 'cat', 'ca', '▁', 'Ġ', '##a', '[MASK]', '[mask]', '', '\ud800', '字', 'aa', '<0x41>', '\u0301', 'A'];
  const ids = [0, 1, 4, 5, 49, 50, 96, 97, 1000, -1, 2 ** 31, 1.5, '3', null];
  const flag = () => random.next() < 0.5;
  const deeds = [
    () =>
      added.push({
        id: pick<unknown>(random, ids),
        content: pick(random, words),
        special: flag(),
        normalized: flag(),
        single_word: flag(),
        lstrip: flag(),
        rstrip: flag(),
      }),
    () => added.splice(random.below(added.length + 1), 1),
    () =>
      Object.assign(model, {
        merges: [
          ...((model.merges as unknown[]) ?? []),
          pick<unknown>(random, ['a a', 'a', ['c', 'a'], 'a  b', ' ', '', ['a'], 'c a t', null]),
        ],
      }),
    () =>
      Object.assign(model, {
        vocab: Array.isArray(model.vocab)
          ? [...model.vocab, [pick(random, words), pick<unknown>(random, [-1, 0, 1e308, -1e308, null, 'x'])]]
          : { ...(model.vocab as Json), [pick(random, words)]: pick<unknown>(random, ids) },
      }),
    () => Object.assign(model, { [pick(random, ['byte_fallback', 'fuse_unk', 'ignore_merges'])]: flag() }),
    () =>
      Object.assign(model, {
        [pick(random, ['unk_id', 'unk_token', 'dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'max_input_chars_per_word'])]:
          pick<unknown>(random, [null, 0, 1, 99, 'a', '', '[UNK]', 0.5]),
      }),
  ];
  for (let n = 1 + random.below(3); n > 0; n--) pick<() => unknown>(random, deeds)();
  return put(files, 'tokenizer.json', { ...tokenizer, added_tokens: added, model });
};

const keys = Object.keys(configKeys);
/** What a value of a config may be told to be: sizes that nothing has, kinds that it is none of, one that fits. */
const values = [
  ...[
    0,
    -1,
    1,
    2,
    3,
    16,
    31,
    32,
    33,
    64,
    97,
    2 ** 20,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e308,
    0.5,
    -0.5,
    1e-30,
    'NaN',
    'Infinity',
    '32',
    null,
    true,
  ],
  ...[
    false,
    '',
    'x',
    [],
    {},
    [[]],
    { a: { a: {} } },
    [32],
    ['full_attention'],
    ['sliding_attention', 'full_attention'],
    new Array(300).fill('full_attention'),
  ],
  ...[
    { rope_type: 'default', rope_theta: 1e4 },
    { rope_type: 'yarn', factor: 4 },
    { full_attention: { rope_theta: 0 } },
    { rope_theta: -1 },
    { type: 'linear', factor: 0 },
  ],
  ...[
    { 0: 'a', 1: 'a' },
    { 0: 'A' },
    { '-1': 'x' },
    { 99999999: 'x' },
    { a: 0 },
    ['a', 'b'],
    { quant_method: 'gptq' },
    { quant_method: 'heed', bits: 4 },
  ],
  ...[
    'gelu',
    'relu',
    'silu',
    'tanh',
    'bert',
    'roberta',
    'modernbert',
    'float16',
    'bfloat16',
    'int8',
    'relative_key',
    'mean',
    'cls',
    'single_label_classification',
  ],
];

/** One to three settings of any family's. */
export const settings: FilesMutation = (random, files) => {
  const config = parsed(files, 'config.json');
  for (let n = 1 + random.below(3); n > 0; n--) {
    const key = pick(random, random.next() < 0.6 ? Object.keys(config) : keys);
    if (random.next() < 0.15) delete config[key];
    else config[key] = random.next() < 0.8 ? pick<unknown>(random, values) : configKeys[pick(random, keys)];
  }
  return put(files, 'config.json', config);
};

/** One or two files are another model's. */
export const others: FilesMutation = (random, files) => {
  const other = pick(random, specimens).files;
  const names = Object.keys(files);
  const taken = [pick(random, names), pick(random, names)].filter((name) => other[name]);
  return { ...files, ...Object.fromEntries(taken.map((name) => [name, other[name] as Uint8Array])) };
};

/** `model_type` of another family, whose names the weights do not have. */
export const family: FilesMutation = (random, files) =>
  put(files, 'config.json', {
    ...parsed(files, 'config.json'),
    model_type: pick<unknown>(random, [
      'bert',
      'roberta',
      'xlm-roberta',
      'distilbert',
      'mpnet',
      'modernbert',
      't5',
      'bart',
      'marian',
      'gpt2',
      '__proto__',
      3,
      null,
    ]),
  });
