/**
 * JSON that parses and lies: nodes of another kind, numbers that are none, names that every object has, names twice, depth and
 * length without end. Text is what comes out, since much of it is nothing that JSON.stringify would write.
 */
import type { Random } from '../cases/random.js';
import type { BytesMutation } from './bytes.js';
import { decode, encode, pick } from './files.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const strange = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length', 'then', 'toJSON', ''];
const numbers = [
  ...['0', '-0', '-1', '1', '2', '3', '7', '31', '33', '64', '0.5', '1.5', '-1.5', '1e-320', '96', '97', '1000', '16777215', '16777216'],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740993', '1e21', '1e308', '1e400', '-1e400'],
];
const others = [
  'null',
  'true',
  'false',
  '""',
  '"x"',
  '"0"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '{"a":1}',
  '"NaN"',
  '["a","b"]',
  '[0,0]',
  '[-1]',
];
const strings = [
  '"\\ud800"',
  '"\\udc00x"',
  '"\\u0000"',
  '"\\ufeff"',
  '"a\\u0301\\u0301"',
  '"𝒳"',
  '"🤦🏽‍♂️"',
  '"/../"',
  '"[PAD]"',
  '"[UNK]"',
  '"##"',
];
/** Names of parts that a tokenizer.json may have, and of what configs choose from: some fit where they are put. */
const words = [
  ...['BPE', 'WordPiece', 'Unigram', 'WordLevel', 'Sequence', 'ByteLevel', 'Metaspace', 'Split', 'Digits', 'Punctuation', 'Whitespace'],
  ...['Replace', 'Strip', 'StripAccents', 'NFC', 'NFKD', 'Lowercase', 'Prepend', 'Precompiled', 'BertNormalizer', 'BertPreTokenizer'],
  ...['TemplateProcessing', 'BertProcessing', 'RobertaProcessing', 'Fuse', 'CTC', 'BPEDecoder', 'ByteFallback', 'left', 'right', 'first'],
  ...[
    'Isolated',
    'Removed',
    'MergedWithNext',
    'gelu',
    'relu',
    'gelu_new',
    'quick_gelu',
    'bert',
    'absolute',
    'F16',
    'BF16',
    'F64',
    'I8',
    'BOOL',
  ],
];
const deep = (depth: number) => [`${'['.repeat(depth)}${']'.repeat(depth)}`, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`];
const [deepest, long] = [deep(100_000), JSON.stringify('ab '.repeat(40_000))];

/** What a node may become. Long and deep ones are rare: they cost more than all others. */
const replacements: readonly (readonly [weight: number, (random: Random, all: readonly string[]) => string])[] = [
  [10, (random) => pick(random, numbers)],
  [8, (random) => pick(random, others)],
  [4, (random) => pick(random, strings)],
  [6, (random) => JSON.stringify(pick(random, words))],
  [3, (random) => JSON.stringify(pick(random, strange))],
  [6, (random, all) => pick(random, all)],
  [1, (random) => pick(random, deep(1 + random.below(60)))],
  [0.3, (random) => pick(random, deepest)],
  [0.3, () => long],
];

function weighted<T>(random: Random, list: readonly (readonly [number, T])[]): T {
  let at = random.next() * list.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, item] of list) {
    at -= weight;
    if (at < 0) return item;
  }
  return (list[0] as readonly [number, T])[1];
}

interface Place {
  holder: Json[] | { [key: string]: Json };
  key: string | number;
}

/** Every node but the root. Of long lists only some, so that vocabularies do not drown the rest. */
function placesIn(value: Json, random: Random, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  const keys: readonly (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  for (const key of keys.length > 24 ? Array.from({ length: 8 }, () => pick(random, keys)) : keys) {
    const holder = value as { [key: string]: Json };
    places.push({ holder, key });
    placesIn(holder[key] as Json, random, places);
  }
  return places;
}

/** Text that stands for itself in what is written. */
class Raw {
  constructor(readonly text: string) {}
}

function write(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key.replace(/\0.*/, ''))}:${write(member)}`);
  return `{${members.join(',')}}`;
}

type Deed = (random: Random, place: Place, raw: () => Raw) => void;

/** Sets a member. A name that ends in \0 and more is written without that end: so one can stand twice. */
const put = (holder: Place['holder'], key: string | number, value: unknown): void => void Object.assign(holder, { [key]: value });

const replace: Deed = (_, { holder, key }, raw) => put(holder, key, raw());

/** Another value of the same kind, which gets past the first checks. */
const vary: Deed = (random, { holder, key }) => {
  const value = (holder as { [key: string | number]: Json })[key];
  const kinds: Record<string, () => unknown> = {
    boolean: () => !value,
    number: () => new Raw(pick(random, numbers)),
    string: () => (random.next() < 0.7 ? pick(random, words) : new Raw(pick(random, strings))),
  };
  put(holder, key, kinds[typeof value]?.() ?? value);
};

const remove: Deed = (_, { holder, key }) => {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
};

const twice: Deed = (_, { holder, key }, raw) => put(holder, Array.isArray(holder) ? holder.length : `${key}\0`, raw());

const inherited: Deed = (random, { holder }, raw) =>
  Array.isArray(holder) ? void holder.reverse() : put(holder, `${pick(random, strange)}\0`, raw());

const rename: Deed = (random, { holder, key }) => {
  if (Array.isArray(holder)) return void holder.push(...holder, ...holder);
  const value = holder[key];
  delete holder[key];
  put(holder, `${pick<string>(random, [...strange, ...words, `${key}s`])}\0`, value);
};

const deeds: readonly (readonly [weight: number, Deed])[] = [
  [8, replace],
  [12, vary],
  [4, remove],
  [2, twice],
  [3, inherited],
  [2, rename],
];

/** One to three changes at random places of a document. */
export const tree: BytesMutation = (random, bytes) => {
  const root = [JSON.parse(decode(bytes)) as Json];
  const places = placesIn(root, random);
  const all = places.slice(0, 40).map(({ holder, key }) => write((holder as { [key: string | number]: unknown })[key]));
  for (let n = pick(random, [1, 1, 2, 3]); n > 0; n--) {
    const raw = () => new Raw(weighted(random, replacements)(random, all));
    weighted(random, deeds)(random, pick(random, random.next() < 0.95 ? places.slice(1) : places), raw);
  }
  return encode(root.map(write).join(''));
};
