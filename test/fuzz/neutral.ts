/** Changes that mean nothing: the answer must be the same, bit for bit. */
import type { Random } from '../cases/random.js';
import { readWeights, writeWeights } from '../models/files.js';
import { type FilesMutation, headerEnd } from './checkpoint.js';
import { decode, encode, type Files, pick } from './files.js';
import { sharded } from './specimens.js';

const MODEL = 'model.safetensors';
type Json = Record<string, unknown>;

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}

const json =
  (name: string, change: (random: Random, value: Json) => Json): FilesMutation =>
  (random, files) => {
    const value = change(random, JSON.parse(decode(files[name])) as Json);
    return { ...files, [name]: encode(JSON.stringify(value, null, pick(random, [0, 2, '\t']))) };
  };

const reordered = (random: Random, value: Json): Json => Object.fromEntries(shuffled(random, Object.entries(value)));

/** What is there at training alone, or for people. */
const unread = {
  transformers_version: '0',
  _name_or_path: '/tmp/x',
  use_cache: null,
  initializer_range: -3,
  heed_unknown: { a: [1e308] },
  _commit_hash: 'x',
};

const stray: FilesMutation = (random, files) => {
  const junk = () => pick(random, [encode('{'), encode('[]'), encode('{"a":1}'), new Uint8Array(5), encode('nonsense\n')]);
  const names = ['README.md', 'vocab.txt', 'merges.txt', 'pytorch_model.bin', 'model.onnx', 'flax_model.msgpack'];
  return { ...files, ...Object.fromEntries(names.filter(() => random.next() < 0.4).map((name) => [name, junk()])) };
};

/** Files of weights with the same tensors in another order. */
const moved: FilesMutation = (random, files) =>
  Object.fromEntries(
    Object.entries(files).map(([name, bytes]): [string, Uint8Array] =>
      name.endsWith('.safetensors')
        ? [name, writeWeights(Object.fromEntries(shuffled(random, Object.entries(readWeights(bytes)))))]
        : [name, bytes],
    ),
  );

/** Metadata, and white space after it. */
const described: FilesMutation = (random, files) =>
  Object.fromEntries(
    Object.entries(files).map(([name, bytes]): [string, Uint8Array] => {
      if (!name.endsWith('.safetensors')) return [name, bytes];
      const header = JSON.parse(decode(bytes.subarray(8, headerEnd(bytes)))) as Json;
      const text = encode(
        JSON.stringify({ __metadata__: { format: pick(random, ['pt', 'tf', 'np']) }, ...header }) + ' '.repeat(random.below(20)),
      );
      const start = new Uint8Array(8);
      new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
      return [name, new Uint8Array(Buffer.concat([start, text, bytes.subarray(headerEnd(bytes))]))];
    }),
  );

const changes: readonly FilesMutation[] = [
  json('config.json', reordered),
  json('config.json', (random, value) => ({ ...value, ...Object.fromEntries(Object.entries(unread).filter(() => random.next() < 0.5)) })),
  json('tokenizer.json', reordered),
  json('tokenizer.json', (random, value) => ({
    ...value,
    version: pick(random, ['1.0', '2.0']),
    truncation: pick(random, [null, { direction: 'Right', max_length: 3, strategy: 'OnlyFirst', stride: 2 }]),
  })),
  json('tokenizer.json', (random, value) => {
    const model = value.model as { vocab: Json };
    return { ...value, model: { ...model, vocab: Array.isArray(model.vocab) ? model.vocab : reordered(random, model.vocab) } };
  }),
  json('tokenizer_config.json', (_, value) => ({ ...value, name_or_path: 'x', processor_class: 'X' })),
  stray,
  moved,
  described,
  (random, files) => (files[MODEL] ? sharded(files, 1 + random.below(3)) : files),
];

/** One to three of them. */
export const neutral: FilesMutation = (random, files) => {
  let changed: Files = files;
  for (let n = 1 + random.below(3); n > 0; n--) changed = pick(random, changes)(random, changed);
  return changed;
};
