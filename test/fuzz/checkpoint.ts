/** Checkpoints that lie: about where their tensors are, which there are, of what kind and shape, and in which file. */
import type { Random } from '../cases/random.js';
import { readWeights, type Weights, writeWeights } from '../models/files.js';
import { type BytesMutation, flip, truncate } from './bytes.js';
import { decode, encode, type Files, pick } from './files.js';
import { tree } from './json.js';

const MODEL = 'model.safetensors';
interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}
type Header = Record<string, Entry>;

export const headerEnd = (bytes: Uint8Array): number => 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));

/** The file with another header before the same data; its length is true unless it is given. */
function withHeader(bytes: Uint8Array, header: Uint8Array, length = BigInt(header.length)): Uint8Array {
  const start = new Uint8Array(8);
  new DataView(start.buffer).setBigUint64(0, BigInt.asUintN(64, length), true);
  return new Uint8Array(Buffer.concat([start, header, bytes.subarray(headerEnd(bytes))]));
}

/** Changes the header as text, and tells its length truly. */
export const headerText =
  (mutate: BytesMutation): BytesMutation =>
  (random, bytes) =>
    withHeader(bytes, mutate(random, bytes.slice(8, headerEnd(bytes))));

export const lyingLength: BytesMutation = (random, bytes) => {
  const header = bytes.slice(8, headerEnd(bytes));
  const true_ = BigInt(header.length);
  const lies = [
    0n,
    1n,
    true_ - 1n,
    true_ + 1n,
    BigInt(bytes.length),
    BigInt(bytes.length - 8),
    99_999_999n,
    100_000_001n,
    2n ** 32n,
    2n ** 53n,
    2n ** 63n,
    -1n,
  ];
  return withHeader(bytes, header, pick(random, [...lies, BigInt(random.below(2 * header.length))]));
};

const changedHeader =
  (change: (random: Random, entry: Entry, header: Header) => void): BytesMutation =>
  (random, bytes) => {
    const header = JSON.parse(decode(bytes.slice(8, headerEnd(bytes)))) as Header;
    for (let n = 1 + random.below(3); n > 0; n--)
      change(
        random,
        header[
          pick(
            random,
            Object.keys(header).filter((k) => k !== '__metadata__'),
          )
        ] as Entry,
        header,
      );
    return withHeader(bytes, encode(JSON.stringify(header)));
  };

const sizes = [0, 1, 2, 3, 4, 8, 31, 32, 33, 40, 64, 96, 97, 128, 3072, 2 ** 20, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53, -1, 0.5, 1e300];

/** Offsets that overlap, leave gaps, run backwards, change places with others', or lie far outside. */
export const offsets = changedHeader((random, entry, header) => {
  const other = pick(
    random,
    Object.values(header).filter((e) => e.data_offsets),
  );
  const [begin, end] = entry.data_offsets;
  const by = pick(random, [4, -4, 1, 128, 2 ** 31, 2 ** 32, 2 ** 53, -begin]);
  const lies: [number, number][] = [
    [begin + by, end + by],
    [begin, end + by],
    [begin + by, end],
    [end, begin],
    other.data_offsets,
    [pick(random, sizes), pick(random, sizes)],
  ];
  const changed = pick(random, lies);
  if (changed === other.data_offsets) other.data_offsets = entry.data_offsets;
  entry.data_offsets = changed;
});

export const shapes = changedHeader((random, entry) => {
  const { shape } = entry;
  const at = random.below(shape.length + 1);
  const lies = [
    () => shape.with(Math.min(at, shape.length - 1), pick(random, sizes)),
    () => shape.toReversed(),
    () => [...shape, 1],
    () => [1, ...shape],
    () => [shape.reduce((n, d) => n * d, 1)],
    () => shape.toSpliced(at, 0, pick(random, sizes)),
    () => new Array<number>(random.below(60)).fill(1),
  ];
  if (random.next() < 0.2) entry.dtype = pick(random, ['F16', 'BF16', 'F64', 'I32', 'I8', 'U8', 'BOOL', 'F4', 'f32', '', 'toString']);
  else entry.shape = pick(random, lies)();
});

export type FilesMutation = (random: Random, files: Files) => Files;

/** Changes the tensors, and writes a file that describes them truly. */
const changedWeights =
  (change: (random: Random, weights: Weights, name: string) => void): FilesMutation =>
  (random, files) => {
    const weights = { ...readWeights(files[MODEL] as Uint8Array) };
    for (let n = 1 + random.below(2); n > 0; n--) change(random, weights, pick(random, Object.keys(weights)));
    return { ...files, [MODEL]: writeWeights(weights) };
  };

const names = [
  'extra',
  'pooler.dense.weights',
  'bert.',
  'cls.',
  'embeddings.position_ids',
  'encoder.layer.2.output.dense.bias',
  '__proto__',
  'constructor',
  '',
  'encoder.layer.-1.x',
];

export const tensors = changedWeights((random, weights, name) => {
  const weight = weights[name];
  if (!weight) return;
  const to = pick(random, [...names, `bert.${name}`, name.toUpperCase(), ...Object.keys(weights)]);
  const deeds = [
    () => delete weights[name],
    () => Object.assign(weights, Object.fromEntries([[to, weight]])),
    () => delete weights[name] && Object.assign(weights, Object.fromEntries([[to, weight]])),
    () => Object.assign(weights, { [name]: { ...weight, shape: [...weight.shape].reverse() } }),
    () => Object.assign(weights, { [name]: { ...weight, dtype: 'I32' } }),
    () => Object.assign(weights, { [name]: { dtype: 'F16', shape: weight.shape, bytes: weight.bytes.slice(0, weight.bytes.length / 2) } }),
    () => Object.assign(weights, { [name]: { dtype: 'BF16', shape: weight.shape, bytes: weight.bytes.slice(weight.bytes.length / 2) } }),
    () =>
      Object.assign(weights, {
        [name]: {
          ...weight,
          shape: [2 * (weight.shape[0] as number), ...weight.shape.slice(1)],
          bytes: new Uint8Array(2 * weight.bytes.length),
        },
      }),
  ];
  pick(random, deeds)();
});

/** What are no numbers, infinities, the largest and the smallest: as bits of each kind. */
const odd: Readonly<Record<string, readonly number[]>> = {
  F32: [0x7fc00000, 0x7f800000, 0xff800000, 0x7f61b1e6, 0xff61b1e6, 1, 0x80000000],
  F16: [0x7e00, 0x7c00, 0xfc00, 0x7bff, 0xfbff, 1, 0x8000],
  BF16: [0x7fc0, 0x7f80, 0xff80, 0x7f61, 0xff61, 1, 0x8000],
  I8: [0x80, 0x7f, 0],
};

/** Weights of which some are no numbers, or so large that sums are not. */
export const values = changedWeights((random, weights, name) => {
  const { dtype, shape, bytes } = weights[name] as Weights[string];
  const Bits = dtype === 'F32' ? Uint32Array : dtype === 'I8' ? Uint8Array : Uint16Array;
  const bits = new Bits(bytes.slice().buffer);
  const value = pick(random, odd[dtype] as number[]);
  if (random.next() < 0.3) bits.fill(value);
  else bits[random.below(bits.length)] = value;
  weights[name] = { dtype, shape, bytes: new Uint8Array(bits.buffer) };
});

/** Two or three shards and their index, one of which is not what it should be, most of the time. */
export const shards: FilesMutation = (random, { [MODEL]: model, ...files }) => {
  const weights = Object.entries(readWeights(model as Uint8Array));
  const count = 1 + random.below(3);
  const shard = (i: number) => `model-0000${i + 1}-of-0000${count}.safetensors`;
  const map = Object.fromEntries(weights.map(([name], i) => [name, shard(Math.floor((i * count) / weights.length))]));
  const made: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) made[shard(i)] = writeWeights(Object.fromEntries(weights.filter(([name]) => map[name] === shard(i))));
  const victim = shard(random.below(count));
  const name = pick(random, Object.keys(map));
  const bytes = made[victim] as Uint8Array;
  let index = encode(JSON.stringify({ metadata: { total_size: pick(random, [0, -1, 76_800, 1e300, '1']) }, weight_map: map }));
  const mapped = (target: unknown) => () => {
    index = encode(JSON.stringify({ weight_map: { ...map, [name]: target } }));
  };
  const spoilt = (mutate: BytesMutation) => () => {
    made[victim] = mutate(random, bytes);
  };
  const misindexed = (mutate: BytesMutation) => () => {
    index = mutate(random, index);
  };
  const targets = [
    '../model.safetensors',
    'nope.safetensors',
    'a/b.safetensors',
    'x',
    3,
    null,
    '__proto__',
    `${'a'.repeat(5000)}.safetensors`,
  ];
  const deeds = [
    () => {},
    misindexed(tree),
    misindexed(flip),
    () => delete made[victim],
    spoilt(truncate),
    spoilt(pick(random, [offsets, shapes, lyingLength, flip])),
    spoilt(() => made[shard(0)] as Uint8Array),
    mapped(victim),
    mapped(pick(random, targets)),
  ];
  pick(random, deeds)();
  return { ...files, ...made, [`${MODEL}.index.json`]: index };
};
