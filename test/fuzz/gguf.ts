/**
 * GGUF files, changed at random: a Llama in K-quants that gguf-py wrote, whole and split; two that have a tokenizer, of bytes and of SentencePiece's; and the header of SmolLM2's,
 * where that file is. Something is loaded of each and asked; it ends in a HeedError that names its culprit, or in an answer.
 */
import { existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe } from '../../dist/cli/model_facts.js';
import { Engine } from '../../dist/engine/engine.js';
import { AutoModelForCausalLM, AutoTokenizer, env, LogLevel } from '../../dist/entry/node.js';
import { HeedError } from '../../dist/errors.js';
import { folderFor } from '../../dist/io/find.js';
import type { BlobLike, ModelFiles } from '../../dist/io/given.js';
import { readParts } from '../../dist/models/parts.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { tensor } from '../../dist/tensor.js';
import { byteAlphabet } from '../../dist/text/byte_level.js';
import { Random } from '../cases/random.js';
import { type Field, gguf, type Made, partsOf, splitOf } from '../io/gguf_file.js';
import { type BytesMutation, cut, flip, insert, truncate } from './bytes.js';
import { pick } from './files.js';
import { complaint, type Fuzzer, randomOf, type Verdict } from './loop.js';
import type { Named } from './report.js';

const at = (name: string) => new URL(`../fixtures/gguf/${name}`, import.meta.url);
const smollm2 = join(process.env.HEED_MODELS ?? join(homedir(), '.cache/heed-models'), 'smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');

type Parts = ReturnType<typeof partsOf>;
type Tensors = NonNullable<Made['tensors']>;

const bytesOf = (array: Float32Array | Int32Array): number[] => [...new Uint8Array(array.buffer)];
const u32 = (value: number): Field => [4, value];
const f32 = (value: number): Field => [6, bytesOf(Float32Array.of(value))];
const strings = (list: readonly string[]): Field => [9, [8, list]];

/** A Llama of one layer in floats and in blocks of each kind of 32, with this tokenizer. */
function tiny(tokens: readonly string[], more: readonly (readonly [string, Field])[]): Uint8Array {
  const [C, F, V] = [64, 32, tokens.length];
  const random = new Random(7);
  /** ggml's kinds, and the bytes of 32 elements. */
  const kinds = {
    F32: [0, 128],
    F16: [1, 64],
    Q4_0: [2, 18],
    Q4_1: [3, 20],
    Q5_1: [7, 24],
    Q8_0: [8, 34],
    IQ4_NL: [20, 18],
    BF16: [30, 64],
  } as const;
  const made: { name: string; sizes: number[]; type: number; offset: number }[] = [];
  const pieces: Uint8Array[] = [];
  let offset = 0;
  const put = (name: string, sizes: number[], kind: keyof typeof kinds) => {
    const [type, each] = kinds[kind];
    const length = (sizes.reduce((n, d) => n * d, 1) / 32) * each;
    // Small halves throughout: as a scale, as a float, as integers they are all right.
    const halves = Uint16Array.from({ length: length / 2 }, () => 0x2800 + random.below(0x400));
    const piece = kind === 'F32' ? new Uint8Array(random.floats([length / 4]).data.slice().buffer) : new Uint8Array(halves.buffer);
    made.push({ name, sizes, type, offset });
    pieces.push(piece, new Uint8Array(-piece.length & 31));
    offset += piece.length + (-piece.length & 31);
  };
  put('token_embd.weight', [C, V], 'Q8_0');
  put('rope_freqs.weight', [16], 'F32');
  pieces.splice(-2, 1, new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => 1 + i).buffer));
  for (const [name, sizes, kind] of [
    ...([
      ['attn_norm', [C], 'F32'],
      ['ffn_norm', [C], 'F32'],
      ['attn_q', [C, C], 'Q4_0'],
      ['attn_k', [C, 32], 'Q4_1'],
    ] as const),
    ...([
      ['attn_v', [C, 32], 'Q8_0'],
      ['attn_output', [C, C], 'F16'],
      ['ffn_gate', [C, F], 'Q5_1'],
      ['ffn_up', [C, F], 'IQ4_NL'],
    ] as const),
    ['ffn_down', [F, C], 'BF16'] as const,
  ])
    put(`blk.0.${name}.weight`, [...sizes], kind);
  put('output_norm.weight', [C], 'F32');
  const keys: (readonly [string, Field])[] = [
    ['general.architecture', [8, 'llama']],
    ...Object.entries({ block_count: 1, embedding_length: C, feed_forward_length: F, context_length: 64, vocab_size: V }).map(
      ([key, value]) => [`llama.${key}`, u32(value)] as const,
    ),
    ['llama.attention.head_count', u32(2)],
    ['llama.attention.head_count_kv', u32(1)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['tokenizer.ggml.tokens', strings(tokens)],
    ['tokenizer.chat_template', [8, '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}']],
    ...more,
  ];
  return gguf({ keys, tensors: made, data: new Uint8Array(Buffer.concat(pieces)) });
}

interface Specimen {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Whether it has a tokenizer. */
  readonly reads: boolean;
  /** Bytes of zeros that stand for the weights of a file whose header alone is here. */
  readonly zeros?: number;
}

function specimensOf(): Specimen[] {
  const whole = new Uint8Array(readFileSync(at('llama_k.gguf')));
  const bytes = [...byteAlphabet, 'th', 'the', '<|im_start|>', '<|im_end|>'];
  const ofBytes = tiny(bytes, [
    ['tokenizer.ggml.model', [8, 'gpt2']],
    ['tokenizer.ggml.pre', [8, 'smollm']],
    ['tokenizer.ggml.merges', strings(['t h', 'th e'])],
    ['tokenizer.ggml.token_type', [9, [5, bytes.map((token) => (token.startsWith('<|') ? 3 : 1))]]],
    ['tokenizer.ggml.eos_token_id', u32(259)],
  ]);
  const { tokens, scores, kinds } = JSON.parse(readFileSync(at('pieces.json'), 'utf8')) as {
    tokens: string[];
    scores: number[];
    kinds: number[];
  };
  const ofPieces = tiny(tokens, [
    ['tokenizer.ggml.model', [8, 'llama']],
    ['tokenizer.ggml.scores', [9, [6, scores.map((score) => bytesOf(Float32Array.of(score)))]]],
    ['tokenizer.ggml.token_type', [9, [5, kinds]]],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.add_bos_token', [7, 1]],
  ]);
  const made: Specimen[] = [
    { name: 'K-quants', files: { 'a.gguf': whole }, reads: false },
    { name: 'K-quants in 3 files', files: splitOf(whole, 8, 'a'), reads: false },
    { name: 'bytes', files: { 'a.gguf': ofBytes }, reads: true },
    { name: 'pieces', files: { 'a.gguf': ofPieces }, reads: true },
  ];
  if (!existsSync(smollm2)) return made;
  const header = new Uint8Array(2_000_000);
  const file = openSync(smollm2, 'r');
  readSync(file, header);
  const { length } = header;
  const zeros = 98_362_432 - length;
  return [...made, { name: 'SmolLM2', files: { 'a.gguf': header }, reads: true, zeros }];
}

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
