/**
 * The inputs one after the other on one engine, and a verdict on each: a HeedError that names its culprit, or a right answer, in
 * less than a second, with memory and files as they were. It runs in a thread that main.ts can end when it hangs.
 */
import { createHash } from 'node:crypto';
import { Engine } from '../../dist/engine/engine.js';
// Which makes all architectures known.
import { HeedError } from '../../dist/entry/node.js';
import { folderAt } from '../../dist/io/folder.js';
import { readParts } from '../../dist/models/parts.js';
import { quantizeCheckpoint } from '../../dist/models/quantize_checkpoint.js';
import { FeatureExtractionPipeline } from '../../dist/pipelines/feature_extraction.js';
import { tensor } from '../../dist/tensor.js';
import { Random } from '../cases/random.js';
import { type Class, drawClass, type FilesClass, filesOf, specimenFor } from './classes.js';
import { decode, encode, Folder, pick, pristine } from './files.js';
import { GIVEN_UP, type Subject, subjectOf } from './inputs.js';
import { type Specimen, specimens, toQuantize } from './specimens.js';
import { texts, uses, written } from './uses.js';

export interface Failure {
  index: number;
  /** The class, and for a folder which one, and what was asked. */
  class: string;
  what: string;
}

export interface Report {
  inputs: number;
  /** How often each outcome was seen, by class. */
  counts: Record<string, Record<string, number>>;
  failures: Failure[];
  /** The first is the slowest. */
  slowest: { index: number; class: string; ms: number }[];
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
/** Inputs after which code is compiled and tables are filled. */
const WARM = 1000;
/** What the heap may gain: compiled code, which comes late, 3 MiB of it. A leak of 40 bytes per input shows among 100,000. */
export const HEAP_SLACK = 6 << 20;
const MOST_FAILURES = 20;
const LONGEST_MESSAGE = 1500;
const SLOWEST = 5;
/** Bytes that the engine takes at the beginning, so that it need not grow for whatever a config asks for: growth is a leak. */
const ROOM = 24 << 20;

/** The same input for the same seed and number, whatever came before. */
export const randomOf = (seed: number, index: number): Random => new Random(Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b));
export const classOf = (seed: number, index: number): Class => drawClass(randomOf(seed, index));

const TEXT = 'A cat, 42! [MASK] wörld 字';

export interface Verdict {
  /** The class of what was changed. */
  name: string;
  outcome: string;
  failure?: string | undefined;
  /** What was changed, and how. */
  what: string;
  ms: number;
}

/** What judges inputs. */
export interface Fuzzer {
  readonly engine: Engine;
  /** Why an input fails, and which outcome it had. */
  judge(index: number, seed: number): Promise<Verdict>;
  /** Whether what is right still gives the same bits. */
  unchanged(): Promise<boolean>;
}

export class Fuzz implements Fuzzer {
  readonly #folder: Folder;
  readonly #subject: Subject;
  readonly #specimens: readonly Specimen[];
  readonly #want: number[];
  /** What unchanged folders answer, in short: long answers of them all would look like a leak. */
  readonly #answers = new Map<string, string>();
  #checks = 0;

  private constructor(
    readonly engine: Engine,
    folder: Folder,
    subject: Subject,
    all: readonly Specimen[],
    want: number[],
  ) {
    this.#folder = folder;
    this.#subject = subject;
    this.#specimens = all;
    this.#want = want;
  }

  static async start(): Promise<Fuzz> {
    const folder = new Folder();
    const engine = await Engine.create(folder.runtime, { threads: 1, deterministic: true, memory: { maximum: 64 << 20 } });
    tensor(engine, new Float32Array(ROOM / 4), [ROOM / 4]).dispose();
    const inEighths: Specimen[] = [];
    for (const one of toQuantize) {
      folder.put(one.files);
      await quantizeCheckpoint(engine, await readParts(folderAt(folder.runtime, 'm')), 'out');
      inEighths.push({ ...one, name: `${one.name} in q8`, files: folder.written('out') });
    }
    folder.put(pristine);
    const extractor = await FeatureExtractionPipeline.load(engine, 'm');
    const want = Array.from((await extractor(TEXT)).data);
    const fuzz = new Fuzz(engine, folder, subjectOf(extractor), [...specimens, ...inEighths], want);
    // Scratch at its largest: one head, long rows, everything asked for.
    const config = decode(pristine['config.json']).replace('"num_attention_heads": 4', '"num_attention_heads": 1');
    folder.put({ ...pristine, 'config.json': encode(config) });
    const large = await FeatureExtractionPipeline.load(engine, 'm');
    const input_ids = { data: new Int32Array(4 * 64), dims: [4, 64] };
    const attention_mask = { ...input_ids, data: new Int32Array(4 * 64).fill(1, 7) };
    await large.model({ input_ids, attention_mask }, { output_attentions: true, output_hidden_states: true });
    large.dispose();
    return fuzz;
  }

  /** Why an input fails, and which outcome it had. */
  async judge(index: number, seed: number): Promise<Verdict> {
    const random = randomOf(seed, index);
    const one = drawClass(random);
    const before = this.engine.memory();
    let { name: what } = one;
    let outcome = 'answer';
    let failure: string | undefined;
    let ms = 0;
    let began = performance.now();
    try {
      if ('call' in one) await one.call(random, this.#subject);
      else {
        const { described, ask } = await this.#prepare(one, random);
        what = described;
        began = performance.now();
        outcome = await ask();
      }
    } catch (error) {
      outcome = error instanceof HeedError ? error.code : error === GIVEN_UP ? 'signal.reason' : 'failure';
      failure = complaint(error);
    }
    ms = performance.now() - began;
    const { used, storages } = this.engine.memory();
    if (used !== before.used || storages !== before.storages)
      failure ??= `${used - before.used} bytes in ${storages - before.storages} storages stayed behind`;
    if (this.#folder.open) failure ??= `${this.#folder.open} files stayed open`;
    return { name: one.name, outcome: failure === undefined ? outcome : 'failure', failure, what, ms };
  }

  /** Puts a changed folder in its place; what is asked of it gives whether the answer is the unchanged one's. */
  async #prepare(one: FilesClass, random: Random): Promise<{ described: string; ask: () => Promise<string> }> {
    const specimen = specimenFor(one, random, this.#specimens);
    const use = pick(random, everyUse);
    const text = random.below(texts.length);
    const ordinary = random.next() < 0.8;
    const stream = ordinary ? {} : { size: random.next() < 0.5, most: pick(random, [500, 4099, 65_536]) };
    const files = filesOf(one, random, specimen);
    const want = await this.#wanted(specimen, use, text);
    this.#folder.put(files, stream);
    const asked = { engine: this.engine, folder: 'm', options: specimen.options, text, wild: one.wild ?? false };
    const ask = async () => {
      const answer = await (one.same ? answerOf : answerAlone)(() => use.ask(asked, specimen.task));
      if (one.same && digest(answer) !== want) throw new Error(`another answer for a change that means nothing: ${answer.slice(0, 300)}`);
      return digest(answer) === want ? 'equal' : 'answer';
    };
    return { described: `${one.name}, ${specimen.name}, ${use.name} of ${specimen.task}, text ${text}`, ask };
  }

  /** What the unchanged folder answers: as text, or the code of the error that it ends in. */
  async #answer({ files, options, task }: Specimen, { ask }: Use, text: number): Promise<string> {
    this.#folder.put(files);
    return answerOf(() => ask({ engine: this.engine, folder: 'm', options, text, wild: false }, task));
  }

  async #wanted(specimen: Specimen, use: Use, text: number): Promise<string> {
    const key = `${specimen.name} ${use.name} ${text}`;
    const known = this.#answers.get(key) ?? digest(await this.#answer(specimen, use, text));
    this.#answers.set(key, known);
    return known;
  }

  /** Whether the model that was loaded first, and one of the others, loaded now, still give the same bits. */
  async unchanged(): Promise<boolean> {
    const now = (await this.#subject.extractor(TEXT)).data;
    const one = this.#specimens[this.#checks++ % this.#specimens.length] as Specimen;
    const want = await this.#wanted(one, everyUse[0] as Use, 0);
    return this.#want.every((x, i) => Object.is(x, now[i])) && digest(await this.#answer(one, everyUse[0] as Use, 0)) === want;
  }
}

type Use = (typeof uses)[number];
const everyUse = uses.flatMap((use) => new Array<Use>(use.weight).fill(use));
const digest = (answer: string): string => createHash('sha1').update(answer).digest('base64');

const answerAlone = async (ask: () => Promise<unknown>): Promise<string> => written(await ask());

/** As text, an error that the files are found guilty of too. */
const answerOf = (ask: () => Promise<unknown>): Promise<string> =>
  answerAlone(ask).catch((error: unknown) => {
    if (error instanceof HeedError) return `${error.code}: ${error.culprit}`;
    throw error;
  });

/** What is wrong with an error; nothing with one that tells code and culprit in a message of bearable length. */
export function complaint(error: unknown): string | undefined {
  if (error === GIVEN_UP) return undefined;
  if (!(error instanceof HeedError)) return error instanceof Error ? (error.stack ?? String(error)) : `${typeof error} thrown`;
  if (!error.culprit) return `${error.code} without a culprit: ${error.message.slice(0, 200)}`;
  if (error.message.length > LONGEST_MESSAGE) return `a message of ${error.message.length} characters: ${error.message.slice(0, 200)}`;
  return undefined;
}

export type Measure = () => Promise<number>;

/** Runs a plan. `onIndex` hears of each input before it begins; `heap` measures what JavaScript holds. */
export async function run(
  { seed, from, to }: Plan,
  start: () => Promise<Fuzzer>,
  heap: Measure,
  onIndex: (index: number) => void,
): Promise<Report> {
  onIndex(from);
  const fuzz = await start();
  const report: Report = { inputs: to - from, counts: {}, failures: [], slowest: [], wasm: [0, 0], heap: [0, 0] };
  const warm = Math.min(from + WARM, to);
  for (let index = from; index < to && report.failures.length < MOST_FAILURES; index++) {
    onIndex(index);
    let verdict = await fuzz.judge(index, seed);
    // Another program may have had the processor; what is slow is slow twice.
    if (verdict.ms > MOST_MS) verdict = await fuzz.judge(index, seed);
    const fail = (what: string) => report.failures.push({ index, class: verdict.what, what });
    if (verdict.failure !== undefined) fail(verdict.failure);
    else if (verdict.ms > MOST_MS) fail(`it took ${Math.round(verdict.ms)} ms`);
    if (verdict.ms > (report.slowest.at(SLOWEST - 1)?.ms ?? 0)) {
      report.slowest.push({ index, class: verdict.what, ms: verdict.ms });
      report.slowest = report.slowest.sort((a, b) => b.ms - a.ms).slice(0, SLOWEST);
    }
    const { name } = verdict;
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

/** The report of parts of one run, each of a thread of its own. Of growth the worst is told. */
export function together(reports: readonly Report[]): Report {
  const counts: Report['counts'] = {};
  for (const { counts: own } of reports)
    for (const [name, row] of Object.entries(own)) {
      counts[name] ??= {};
      for (const [outcome, n] of Object.entries(row)) counts[name][outcome] = (counts[name][outcome] ?? 0) + n;
    }
  const worst = (of: (report: Report) => [number, number]) => reports.map(of).reduce((a, b) => (b[1] - b[0] > a[1] - a[0] ? b : a));
  return {
    inputs: reports.reduce((n, { inputs }) => n + inputs, 0),
    counts,
    failures: reports.flatMap(({ failures }) => failures),
    slowest: reports
      .flatMap(({ slowest }) => slowest)
      .sort((a, b) => b.ms - a.ms)
      .slice(0, SLOWEST),
    wasm: worst(({ wasm }) => wasm),
    heap: worst(({ heap }) => heap),
  };
}
