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
import { pick } from './files.js';
import { type GgufClass, ggufClasses } from './gguf_mutations.js';
import { type Specimen, specimensOf } from './gguf_specimens.js';
import { complaint, type Fuzzer, randomOf, type Verdict } from './loop.js';

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
