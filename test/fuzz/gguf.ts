/**
 * GGUF files, changed at random: a Llama in K-quants that gguf-py wrote, whole and split; two that have a tokenizer, of bytes and of SentencePiece's; and the header of SmolLM2's,
 * where that file is. Something is loaded of each and asked; it ends in a HeedError that names its culprit, or in an answer.
 */
import { describe } from '../../dist/cli/model_facts.js';
import { Engine } from '../../dist/engine/engine.js';
import { AutoModelForCausalLM, AutoTokenizer, env, LogLevel } from '../../dist/entry/node.js';
import { HeedError } from '../../dist/errors.js';
import { folderFor } from '../../dist/io/find.js';
import type { BlobLike, ModelFiles } from '../../dist/io/given.js';
import { readParts } from '../../dist/models/parts.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tensor } from '../../dist/tensor.js';
import type { Random } from '../cases/random.js';
import { type Field, gguf, type Made, partsOf } from '../io/gguf_file.js';
import { type BytesMutation, cut, flip, insert, truncate } from './bytes.js';
import { pick } from './files.js';
import { f32, type Specimen, specimensOf, strings, u32 } from './gguf_specimens.js';
import { complaint, type Fuzzer, randomOf, type Verdict } from './loop.js';
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

interface GgufClass extends Named {
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
const drawn = ggufClasses.flatMap((one) => new Array<GgufClass>(one.weight).fill(one));

/** Bytes with zeros behind them. */
const padded = (bytes: Uint8Array, zeros: number): BlobLike => ({
  size: bytes.length + zeros,
  slice: (begin, end) => ({
    async arrayBuffer() {
      const piece = new Uint8Array(Math.max(0, Math.min(end, bytes.length + zeros) - begin));
      piece.set(bytes.subarray(begin, end));
      return piece.buffer;
    },
  }),
});

type Use = (engine: Engine, files: ModelFiles) => Promise<unknown>;
const scores: Use = async (engine, files) => {
  const model = await AutoModelForCausalLM.from_pretrained(files, { engine });
  try {
    return Array.from((await model({ input_ids: [[3, 1, 4, 1, 5]] })).logits.data as Float32Array);
  } finally {
    model.dispose();
  }
};
const tokens: Use = async (_, files) => {
  const tokenizer = await AutoTokenizer.from_pretrained(files);
  const ids = tokenizer.encode('The cat, 42! wörld 字 <|im_end|>');
  return [
    ids,
    tokenizer.decode(ids),
    tokenizer.chat_template !== undefined && tokenizer.apply_chat_template([{ role: 'user', content: 'a' }], { tokenize: false }),
  ];
};
const facts: Use = async (_, files) => describe(await folderFor(nodeRuntime, files));

/** What a header alone tells. */
const header: Use = async (_, files) => {
  const { config, weights } = await readParts(await folderFor(nodeRuntime, files));
  const { tensors, bytes } = await weights.headers();
  return [config.value, tensors.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`), bytes];
};

/** Bytes that the engine takes at the beginning, so that it need not grow for whatever a file asks for: growth is a leak. */
const ROOM = 40 << 20;

export class GgufFuzz implements Fuzzer {
  readonly #specimens = specimensOf();
  readonly #answers = new Map<string, string>();

  private constructor(readonly engine: Engine) {}

  static async start(): Promise<GgufFuzz> {
    const engine = await Engine.create(nodeRuntime, { threads: 1, deterministic: true, memory: { maximum: 64 << 20 } });
    tensor(engine, new Float32Array(ROOM / 4), [ROOM / 4]).dispose();
    // Of tensors that nobody reads there would be a line for each.
    env.logLevel = LogLevel.ERROR;
    const fuzz = new GgufFuzz(engine);
    await fuzz.unchanged();
    return fuzz;
  }

  async judge(index: number, seed: number): Promise<Verdict> {
    const random = randomOf(seed, index);
    const one = pick(random, drawn);
    const fitting = this.#specimens.filter(({ zeros }) => zeros === undefined || one.large);
    // A large vocabulary takes its time.
    const specimen =
      random.next() < 0.05
        ? (fitting.at(-1) as Specimen)
        : pick(
            random,
            fitting.filter(({ zeros }) => zeros === undefined),
          );
    const [name, use] = pick(random, usesOf(specimen, random));
    const file = pick(random, Object.keys(specimen.files));
    const files = { ...specimen.files, [file]: one.change(random, specimen.files[file] as Uint8Array) };
    const what = `${one.name}, ${specimen.name}, ${name}`;
    const want = await this.#wanted(specimen, name, use);
    const before = this.engine.memory();
    const began = performance.now();
    let outcome = 'answer';
    let failure: string | undefined;
    try {
      const answer = JSON.stringify(await use(this.engine, givenOf(files, specimen)));
      outcome = answer === want ? 'equal' : 'answer';
      if (one.same && answer !== want) failure = `another answer for a change that means nothing: ${answer.slice(0, 200)}`;
    } catch (error) {
      outcome = error instanceof HeedError ? error.code : 'failure';
      failure = complaint(error) ?? (one.same ? `an error for a change that means nothing: ${error}` : undefined);
    }
    const ms = performance.now() - began;
    const { used, storages } = this.engine.memory();
    if (used !== before.used || storages !== before.storages)
      failure ??= `${used - before.used} bytes in ${storages - before.storages} storages stayed behind`;
    return { name: one.name, outcome: failure === undefined ? outcome : 'failure', failure, what, ms };
  }

  async #wanted(specimen: Specimen, name: string, use: Use): Promise<string> {
    const key = `${specimen.name} ${name}`;
    const known = this.#answers.get(key) ?? JSON.stringify(await use(this.engine, givenOf(specimen.files, specimen)));
    this.#answers.set(key, known);
    return known;
  }

  async unchanged(): Promise<boolean> {
    for (const specimen of this.#specimens.filter(({ zeros }) => zeros === undefined)) {
      const now = JSON.stringify(await scores(this.engine, givenOf(specimen.files, specimen)));
      if (now !== (await this.#wanted(specimen, 'scores', scores))) return false;
    }
    return true;
  }
}

const givenOf = (files: Specimen['files'], { zeros }: Specimen): ModelFiles =>
  zeros === undefined ? files : Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, padded(bytes, zeros)]));

/** A model of 98 MB is told of, and not loaded. */
const usesOf = ({ reads, zeros }: Specimen, random: Random): (readonly [string, Use])[] => {
  if (zeros !== undefined) return random.next() < 0.2 ? [['tokens', tokens]] : [['header', header]];
  return [['scores', scores], ['scores', scores], ['facts', facts], ...(reads ? ([['tokens', tokens]] as const) : [])];
};
