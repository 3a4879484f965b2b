/**
 * The fuzz: real files and calls, changed at random, the same ones for the same seed; every one must end in a HeedError that names
 * its culprit or in a right answer.
 *
 *   node scripts/run.mjs test/fuzz/main.ts [INPUTS] [SEED] [WHAT]       5,000 inputs of seed 1 where nothing is given: folders, gguf, images or sound
 *   HEED_FUZZ_ONLY=1234 node scripts/run.mjs test/fuzz/main.ts   input 1234 alone, with all that can be said of it
 *
 * Prints how often each class of mutation came to which end; the exit code is 1 where one came to none. The inputs run in threads,
 * so that one which never ends can be named.
 */
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { classes } from './classes.js';
import { GgufFuzz } from './gguf.js';
import { ggufClasses } from './gguf_mutations.js';
import { ImageFuzz, imageClasses } from './images.js';
import { Fuzz, HEAP_SLACK, type Plan, type Report, run, together } from './loop.js';
import { printed } from './report.js';
import { SoundFuzz, soundClasses } from './sound.js';

/** Milliseconds that an input may take before its thread is ended. */
const HANGS = 20_000;
/** At most, and inputs that are worth one of their own. */
const THREADS = 2;
const FEW = 1000;

/** What can be fuzzed, and what its classes are called. */
const kinds = {
  folders: { start: () => Fuzz.start(), classes },
  gguf: { start: () => GgufFuzz.start(), classes: ggufClasses },
  images: { start: () => ImageFuzz.start(), classes: imageClasses },
  sound: { start: () => SoundFuzz.start(), classes: soundClasses },
} as const;
type Kind = keyof typeof kinds;

async function inThread({ plan, at, kind }: { plan: Plan; at: Int32Array; kind: Kind }): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heap = async () => {
    // What the last inputs left to be finalized goes first.
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      gc();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  parentPort?.postMessage(await run(plan, kinds[kind].start, heap, (index) => void Atomics.store(at, 0, index)));
}

/** The report of a thread of its own, or the number of the input in which it hangs. */
function watch(plan: Plan, kind: Kind): Promise<Report | { hangs: number }> {
  const at = new Int32Array(new SharedArrayBuffer(4)).fill(plan.from - 1);
  const thread = new Worker(process.argv[1] as string, { workerData: { plan, at, kind } });
  return new Promise((resolve, reject) => {
    let [seen, since] = [plan.from - 1, performance.now()];
    const timer = setInterval(() => {
      const index = Atomics.load(at, 0);
      if (index !== seen) [seen, since] = [index, performance.now()];
      if (performance.now() - since < HANGS) return;
      end(() => resolve({ hangs: index }));
      void thread.terminate();
    }, 100);
    const end = (settle: () => void) => {
      clearInterval(timer);
      settle();
    };
    thread.once('message', (report: Report) => end(() => resolve(report)));
    thread.once('error', (error) => end(() => reject(new Error(`input ${Atomics.load(at, 0)} ended the thread`, { cause: error }))));
  });
}

async function main([count = '5000', seedText = '1', what = 'folders']: readonly string[]): Promise<void> {
  const seed = Number(seedText);
  const only = process.env.HEED_FUZZ_ONLY;
  const [from, to] = only ? [Number(only), Number(only) + 1] : [0, Number(count)];
  if (![seed, from, to].every(Number.isSafeInteger) || !Object.hasOwn(kinds, what))
    throw new Error('usage: main.ts [INPUTS] [SEED] [folders|gguf|images|sound]');
  const kind = what as Kind;
  const began = performance.now();
  const threads = Math.max(1, Math.min(THREADS, availableParallelism(), Math.floor((to - from) / FEW)));
  const at = (i: number) => from + Math.floor(((to - from) * i) / threads);
  const results = await Promise.all(Array.from({ length: threads }, (_, i) => watch({ seed, from: at(i), to: at(i + 1) }, kind)));
  const hung = results.filter((result) => 'hangs' in result);
  for (const { hangs } of hung)
    console.log(
      `input ${hangs} (seed ${seed}) hangs\n  repeat it with HEED_FUZZ_ONLY=${hangs} node scripts/run.mjs test/fuzz/main.ts 1 ${seed} ${kind}`,
    );
  const { text, good } = printed(
    together(results.filter((result): result is Report => !('hangs' in result))),
    seed,
    HEAP_SLACK,
    kind,
    kinds[kind].classes,
  );
  console.log(`${text}\n${((performance.now() - began) / 1000).toFixed(1)} s, ${threads} threads`);
  if (!good || hung.length) process.exitCode = 1;
}

if (isMainThread) await main(process.argv.slice(2));
else await inThread(workerData);
