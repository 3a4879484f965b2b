/**
 * The inputs one after the other on one engine, and a verdict on each: a HeedError that names its culprit, or a right answer, in
 * less than a second, with memory and files as they were. It runs in a thread that main.ts can end when it hangs.
 */
import { Engine } from '../../dist/engine/engine.js';
import { bert, HeedError, registerArchitecture } from '../../dist/entry/node.js';
import { FeatureExtractionPipeline, type FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { Random } from '../cases/random.js';
import { type Class, drawClass, filesOf } from './classes.js';
import { encode, type Files, Folder, pick, pristine } from './files.js';
import { expectTensor, GIVEN_UP, type Subject, subjectOf } from './inputs.js';

export interface Failure {
  index: number;
  class: string;
  what: string;
}

export interface Report {
  inputs: number;
  /** How often each outcome was seen, by class. */
  counts: Record<string, Record<string, number>>;
  failures: Failure[];
  slowest: { index: number; ms: number };
  /** Bytes of WebAssembly memory and of the JavaScript heap: after the first inputs, and at the end. */
  wasm: [number, number];
  heap: [number, number];
}

export interface Plan {
  seed: number;
  from: number;
  to: number;
}

const MOST_MS = 1000;
/** After so many inputs a good model must give the bits that it gave at the beginning. */
const CHECK_EVERY = 500;
/** What the heap may gain: compiled code, which comes late, 3 MiB of it. A leak of 40 bytes per input shows among 100,000. */
export const HEAP_SLACK = 6 << 20;
const MOST_FAILURES = 20;
const LONGEST_MESSAGE = 1500;
const C = 32;

/** The same input for the same seed and number, whatever came before. */
const randomOf = (seed: number, index: number): Random => new Random(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b));
export const classOf = (seed: number, index: number): Class => drawClass(randomOf(seed, index));

const TEXT = 'A cat, 42! [MASK] wörld 字';
const texts = [TEXT, 'a', '', '\ud800 \0'];

export class Fuzz {
  readonly #folder: Folder;
  readonly #subject: Subject;
  readonly #want: number[];

  private constructor(
    readonly engine: Engine,
    folder: Folder,
    subject: Subject,
    want: number[],
  ) {
    this.#folder = folder;
    this.#subject = subject;
    this.#want = want;
  }

  static async start(): Promise<Fuzz> {
    registerArchitecture(bert);
    const folder = new Folder();
    const engine = await Engine.create(folder.runtime, { threads: 1, deterministic: true, memory: { maximum: 64 << 20 } });
    folder.put(pristine);
    const extractor = await FeatureExtractionPipeline.load(engine, 'm');
    const want = Array.from((await extractor(TEXT)).data);
    const fuzz = new Fuzz(engine, folder, subjectOf(extractor), want);
    // Memory and scratch at their largest: one head, long rows, everything asked for.
    folder.put({
      ...pristine,
      'config.json': encode(
        new TextDecoder().decode(pristine['config.json']).replace('"num_attention_heads": 4', '"num_attention_heads": 1'),
      ),
    });
    const large = await FeatureExtractionPipeline.load(engine, 'm');
    const input_ids = { data: new Int32Array(4 * 64), dims: [4, 64] };
    await large.model(
      { input_ids, attention_mask: { ...input_ids, data: new Int32Array(4 * 64).fill(1, 7) } },
      { output_attentions: true, output_hidden_states: true },
    );
    large.dispose();
    return fuzz;
  }

  /** Why an input fails, and which outcome it had. */
  async judge(index: number, seed: number): Promise<{ outcome: string; failure?: string; ms: number }> {
    const random = randomOf(seed, index);
    const one = drawClass(random);
    const before = this.engine.memory();
    const began = performance.now();
    let outcome = 'answer';
    let failure: string | undefined;
    try {
      if ('call' in one) await one.call(random, this.#subject);
      else await this.#load(filesOf(one, random), random, one.wild);
    } catch (error) {
      outcome = error instanceof HeedError ? error.code : error === GIVEN_UP ? 'signal.reason' : 'failure';
      failure = complaint(error);
    }
    const ms = performance.now() - began;
    const { used, storages } = this.engine.memory();
    if (used !== before.used || storages !== before.storages)
      failure ??= `${used - before.used} bytes in ${storages - before.storages} storages stayed behind`;
    if (this.#folder.open) failure ??= `${this.#folder.open} files stayed open`;
    return failure === undefined ? { outcome, ms } : { outcome: 'failure', failure, ms };
  }

  /** Loads what the files make, and asks it for a text's states. */
  async #load(files: Files, random: Random, wild: boolean | undefined): Promise<void> {
    const ordinary = random.next() < 0.8;
    this.#folder.put(files, ordinary ? {} : { size: random.next() < 0.5, most: pick(random, [500, 4099, 65_536]) });
    const extractor = await FeatureExtractionPipeline.load(this.engine, 'm');
    try {
      await this.#ask(extractor, pick(random, texts), wild);
    } finally {
      extractor.dispose();
    }
  }

  async #ask(extractor: FeatureExtractor, text: string, wild: boolean | undefined): Promise<void> {
    const out = await extractor(text);
    expectTensor(out, [1, undefined, C], wild);
    const length = extractor.tokenizer.encode(text).length;
    if (out.dims[1] !== length && !(length > (out.dims[1] as number) && (out.dims[1] as number) <= 64))
      throw new Error(`${length} tokens became ${out.dims[1]}`);
  }

  /** Whether the model that was loaded first, and one that is loaded now, still give the same bits. */
  async unchanged(): Promise<boolean> {
    this.#folder.put(pristine);
    const again = await FeatureExtractionPipeline.load(this.engine, 'm');
    const [a, b] = [await this.#subject.extractor(TEXT), await again(TEXT)];
    again.dispose();
    return this.#want.every((x, i) => Object.is(x, a.data[i]) && Object.is(x, b.data[i]));
  }
}

/** What is wrong with an error; nothing with one that tells code and culprit in a message of bearable length. */
function complaint(error: unknown): string | undefined {
  if (error === GIVEN_UP) return undefined;
  if (!(error instanceof HeedError)) return error instanceof Error ? (error.stack ?? String(error)) : `${typeof error} thrown`;
  if (!error.culprit) return `${error.code} without a culprit: ${error.message.slice(0, 200)}`;
  if (error.message.length > LONGEST_MESSAGE) return `a message of ${error.message.length} characters: ${error.message.slice(0, 200)}`;
  return undefined;
}

export type Measure = () => Promise<number>;

/** Runs a plan. `onIndex` hears of each input before it begins; `heap` measures what JavaScript holds. */
export async function run({ seed, from, to }: Plan, heap: Measure, onIndex: (index: number) => void): Promise<Report> {
  const fuzz = await Fuzz.start();
  const report: Report = { inputs: to - from, counts: {}, failures: [], slowest: { index: from, ms: 0 }, wasm: [0, 0], heap: [0, 0] };
  const warm = Math.min(from + CHECK_EVERY, to);
  for (let index = from; index < to && report.failures.length < MOST_FAILURES; index++) {
    onIndex(index);
    let verdict = await fuzz.judge(index, seed);
    // Another program may have had the processor; what is slow is slow twice.
    if (verdict.ms > MOST_MS) verdict = await fuzz.judge(index, seed);
    const { name } = classOf(seed, index);
    const fail = (what: string) => report.failures.push({ index, class: name, what });
    if (verdict.failure !== undefined) fail(verdict.failure);
    else if (verdict.ms > MOST_MS) fail(`it took ${Math.round(verdict.ms)} ms`);
    if (verdict.ms > report.slowest.ms) report.slowest = { index, ms: verdict.ms };
    report.counts[name] ??= {};
    const counts = report.counts[name];
    counts[verdict.outcome] = (counts[verdict.outcome] ?? 0) + 1;
    const last = index === to - 1;
    if ((last || index % CHECK_EVERY === CHECK_EVERY - 1) && !(await fuzz.unchanged())) fail('since then a good model gives other bits');
    if (index === warm - 1) [report.wasm[0], report.heap[0]] = [fuzz.engine.memory().size, await heap()];
    if (last) [report.wasm[1], report.heap[1]] = [fuzz.engine.memory().size, await heap()];
  }
  await fuzz.engine.dispose();
  return report;
}
