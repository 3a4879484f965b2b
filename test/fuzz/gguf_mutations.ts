/** How GGUF files are changed: their headers as bytes, their keys and tables as what they mean, their weights. */
import type { Random } from '../cases/random.js';
import { type Field, gguf, type Made, partsOf } from '../io/gguf_file.js';
import { type BytesMutation, cut, flip, insert, truncate } from './bytes.js';
import { pick } from './files.js';
import { f32, strings, u32 } from './gguf_specimens.js';
import type { Named } from './report.js';

type Parts = ReturnType<typeof partsOf>;
type Tensors = NonNullable<Made['tensors']>;

type FileMutation = (random: Random, bytes: Uint8Array) => Uint8Array;

/** A file's header ends where its tensors begin. */
const headerLength = (bytes: Uint8Array): number => bytes.length - partsOf(bytes).data.length;
/** Changes the header alone, as bytes. Of a large one the front, which has the numbers. */
const front =
  (mutate: BytesMutation): FileMutation =>
  (random, bytes) => {
    const end = bytes.length > 1_000_000 ? pick(random, [2000, 100_000, 1_700_000]) : headerLength(bytes);
    return new Uint8Array(Buffer.concat([mutate(random, bytes.subarray(0, end)), bytes.subarray(end)]));
  };
const odd = [
  0n,
  1n,
  2n,
  3n,
  7n,
  9n,
  31n,
  33n,
  255n,
  65_535n,
  2n ** 24n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const number: BytesMutation = (random, bytes) => {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  for (let n = 1 + random.below(2); n > 0; n--) {
    const [value, place] = [pick(random, odd), random.below(changed.length - 8)];
    if (random.next() < 0.5) view.setBigUint64(place, BigInt.asUintN(64, value), true);
    else view.setUint32(place, Number(BigInt.asUintN(32, value)), true);
  }
  return changed;
};

/** Changes what a file is made of, and writes it anew, truly. */
const made =
  (
    change: (
      random: Random,
      parts: { keys: [string, Field][]; tensors: { -readonly [K in keyof Tensors[number]]: Tensors[number][K] }[]; data: Uint8Array },
    ) => void,
  ): FileMutation =>
  (random, bytes) => {
    const parts: Parts = partsOf(bytes);
    const own = {
      keys: parts.keys.map(([key, value]): [string, Field] => [key, value]),
      tensors: parts.tensors.map((one) => ({ ...one })),
      data: parts.data,
    };
    change(random, own);
    return gguf(own);
  };

const values: readonly Field[] = [
  ...[0, 1, 2, 3, 63, 64, 65, 1 << 20, 0xffffffff].map(u32),
  ...[0, -1, 0.5, 1e30, Number.NaN, Number.POSITIVE_INFINITY].map(f32),
  ...[
    '',
    'llama',
    'none',
    'yarn',
    'linear',
    'longrope',
    'gpt2',
    't5',
    'bert',
    'smollm',
    'tekken',
    'x'.repeat(5000),
    '{% for x in range(100000000) %}a{% endfor %}',
  ].map((text): Field => [8, text]),
  ...[0, 1].map((bit): Field => [7, bit]),
  ...[[], ['a'], ['a', 'a', ''], ['<s>', '</s>', '<unk>']].map((list) => strings(list)),
  ...[
    [9, [4, []]],
    [9, [5, [1, 2, 3]]],
    [9, [6, []]],
    [10, 2n ** 63n],
    [9, [9, []]],
  ].map((field) => field as unknown as Field),
];
const known = [
  ...[
    'general.alignment',
    'split.count',
    'split.no',
    'llama.rope.scaling.type',
    'llama.rope.scaling.factor',
    'llama.rope.freq_base',
    'llama.rope.dimension_count',
  ],
  ...[
    'llama.attention.key_length',
    'tokenizer.ggml.pre',
    'tokenizer.ggml.precompiled_charsmap',
    'tokenizer.ggml.padding_token_id',
    'tokenizer.chat_templates',
  ],
  ...['tokenizer.ggml.add_space_prefix', 'tokenizer.ggml.eot_token_id', 'tokenizer.ggml.unknown_token_id'],
];
const keys = made((random, { keys }) => {
  for (let n = 1 + random.below(3); n > 0; n--) {
    const one = random.below(keys.length);
    const deeds = [
      () => keys.splice(one, 1),
      () => keys.splice(one, 1, [keys[one]?.[0] ?? '', pick(random, values)]),
      () => keys.splice(one, 1, [keys[one]?.[0] ?? '', (keys[random.below(keys.length)] as [string, Field])[1]]),
      () => keys.push([pick(random, known), pick(random, values)]),
      () => keys.push(keys[one] as [string, Field]),
    ];
    pick(random, deeds)();
  }
});
const sizes = [0, 1, 2, 16, 31, 32, 33, 64, 96, 256, 512, 2 ** 20, 2 ** 32, 2 ** 40, 2 ** 53 - 1];
const table = made((random, { tensors }) => {
  for (let n = 1 + random.below(2); n > 0; n--) {
    const [one, other] = [pick(random, tensors), pick(random, tensors)];
    const deeds = [
      () => Object.assign(one, { sizes: one.sizes.map((size) => (random.next() < 0.5 ? pick(random, sizes) : size)) }),
      () => Object.assign(one, { sizes: [...one.sizes].reverse() }),
      () => Object.assign(one, { sizes: [...one.sizes, 1] }),
      () => Object.assign(one, { type: random.below(45) }),
      () => Object.assign(one, { type: 0xffffffff }),
      () => Object.assign(one, { offset: pick(random, [0, 1, 32, other.offset, 2 ** 40, 2 ** 53 - 1]) }),
      () => Object.assign(one, { name: pick(random, [other.name, '', '__proto__', 'x', 'output.weight', 'rope_freqs.weight']) }),
      () => tensors.splice(tensors.indexOf(one), 1),
      () => tensors.push({ ...one, name: `${one.name}.more` }),
    ];
    pick(random, deeds)();
  }
});
/** Weights of other bits: numbers that are none among them. */
const data: FileMutation = (random, bytes) => {
  const changed = bytes.slice();
  const begin = headerLength(bytes);
  for (let n = 1 + random.below(8); n > 0; n--)
    changed[begin + random.below(bytes.length - begin)] = pick(random, [0, 0x7c, 0x7f, 0xff, random.below(256)]);
  return changed;
};
const shorter: FileMutation = (random, bytes) => truncate(random, bytes);
/** Keys that nobody reads, in another order. */
const nothing = made((random, { keys, tensors }) => {
  keys.splice(random.below(keys.length + 1), 0, [`other.${random.below(1000)}`, pick(random, values)]);
  tensors.reverse();
});

/** A kind of change. */
export interface GgufClass extends Named {
  readonly weight: number;
  readonly change: FileMutation;
  /** Whether a large header may be changed so. */
  readonly large?: boolean;
  /** The answer must be the same. */
  readonly same?: boolean;
}

export const ggufClasses: readonly GgufClass[] = [
  { name: 'header: bits', hits: 'header', weight: 4, change: front(flip), large: true },
  { name: 'header: bytes more', hits: 'header', weight: 2, change: front(insert), large: true },
  { name: 'header: bytes fewer', hits: 'header', weight: 2, change: front(cut), large: true },
  { name: 'header: numbers', hits: 'header', weight: 5, change: front(number), large: true },
  { name: 'keys', hits: 'config', weight: 6, change: keys },
  { name: 'table of tensors', hits: 'header', weight: 5, change: table },
  { name: 'weights', hits: 'data', weight: 3, change: data },
  { name: 'a shorter file', hits: 'data', weight: 2, change: shorter, large: true },
  { name: 'nothing that matters', hits: 'nothing', weight: 1, change: nothing, same: true },
];
