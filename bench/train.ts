/**
 * `bench train`: a training step of a small and a smaller translator against PyTorch's, and the gradients of a feed-forward block against jax-js's.
 * All sides start from the same weights and the same batch, and are checked against each other before anything is timed; then they take
 * turns. A ratio above 1 says how many times as fast heed is. Processor time, which a busy machine does not lengthen as it does the clock's, stands
 * beside; with more threads than one it counts their waiting too.
 */
import { createEngine } from 'heed';
import type { Command, CommandOptions } from './command.js';
import { openBlock } from './feed_forward.js';
import { modes } from './heed.js';
import { openLearner, Translator } from './learner.js';
import { compare, type Options, type Spread, type Task } from './measure.js';
import { type Mode, peakFlops } from './peak.js';
import { peakTasks } from './peak-binary.js';
import { type Block, blockFlops, type FeedForward } from './peers/feed_forward.js';
import { openJax } from './peers/jax.js';
import { noPytorch, openPytorch } from './peers/pytorch.js';
import { type Learner, stepFlops, type TrainingSize, type TrainingTask } from './peers/training.js';
import { digits, type Row } from './table.js';

const sizes: Readonly<Record<string, TrainingSize>> = {
  small: { C: 256, H: 8, L: 3, F: 1024, V: 4000, B: 64, T: 20 },
  tiny: { C: 128, H: 4, L: 2, F: 512, V: 2000, B: 32, T: 16 },
};
const block = { rows: 1280, C: 256, F: 1024 };

/** Steps whose losses are compared, and what they may differ by, relatively. */
const checkedSteps = 3;
const tolerance = 1e-3;

/** Numbers from 0 to 1, the same in every run. */
function* numbers(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

async function taskOf(size: TrainingSize, threads: number): Promise<TrainingTask> {
  const engine = await createEngine({ threads: 1 });
  const weights = new Translator(engine, size).init(1).stateDict();
  await engine.dispose();
  const random = numbers();
  const ids = () => Int32Array.from({ length: size.B * size.T }, () => Math.floor(random.next().value * size.V));
  return { size, weights, batch: { source: ids(), target: ids(), next: ids() }, lr: 1e-3, threads };
}

/** Takes the same steps on every side. Throws where losses are not the first side's. */
async function checkLosses(sides: readonly Learner[]): Promise<string> {
  const losses: number[][] = [];
  for (const side of sides) {
    const own: number[] = [];
    for (let step = 0; step < checkedSteps; step++) own.push(await side.step());
    losses.push(own);
    Object.assign(side.used, { cpu: 0, steps: 0 });
  }
  const [first = []] = losses;
  const worst = Math.max(...losses.flatMap((own) => own.map((loss, i) => Math.abs(loss / (first[i] as number) - 1))));
  if (!(worst <= tolerance)) throw new Error(`losses differ: ${sides.map(({ name }, i) => `${name} ${losses[i]}`).join('; ')}`);
  return `losses of ${checkedSteps} steps: ${first.map((loss) => loss.toFixed(5)).join(', ')}; largest relative difference ${worst.toExponential(1)}`;
}

async function steps(name: string, { threads, wide, measuring }: CommandOptions, notes: Set<string>): Promise<Row[]> {
  const size = sizes[name] as TrainingSize;
  const available = await modes();
  const task = await taskOf(size, threads);
  const reason = noPytorch();
  if (reason) notes.add(`left out: PyTorch: ${reason}`);
  const learners: Learner[] = reason ? [] : [await openPytorch(task)];
  for (const mode of available) learners.push(await openLearner(task, mode, wide));
  for (const { name: who, version, options } of learners) notes.add(`${who} ${version}: ${options}`);
  notes.add(`${name}: ${await checkLosses(learners)}`);
  const tasks: Record<string, Task> = Object.fromEntries(learners.map((learner) => [learner.name, () => learner.step()]));
  const { times, ratio } = await compare({ ...tasks, ...peaksOf(available) }, { rounds: 7, ...measuring });
  notePeaks(name, available, times, notes);
  const flops = stepFlops(size);
  const rows = learners.map(({ name: who, used }) => {
    const { median, low } = times[who] as { median: number; low: number };
    const mode = available.find((one) => who === `heed ${one}`);
    const row: Row = { size: name, side: who, 'ms a step': median, 'lower quartile': low, 'CPU ms': used.cpu / used.steps };
    row['GFLOP/s'] = flops / median / 1e6;
    if (mode) row[`% of peak, ${threads} core${threads > 1 ? 's' : ''}`] = shareOf(ratio(`peak ${mode}`, who).median, flops, threads);
    if (mode && !reason) {
      const { median: times, low: least, high: most } = ratio('PyTorch', who);
      row["times PyTorch's steps/s"] = times;
      row.quartiles = `${digits(least)}-${digits(most)}`;
    }
    return row;
  });
  for (const learner of learners) await learner.close();
  return rows;
}

const peaksOf = (available: readonly Mode[]): Record<string, Task> =>
  Object.fromEntries(Object.entries(peakTasks(available)).map(([mode, task]) => [`peak ${mode}`, task]));

function notePeaks(where: string, available: readonly Mode[], times: Record<string, Spread>, notes: Set<string>): void {
  const rates = available.map((mode) => `${mode} ${digits(peakFlops / (times[`peak ${mode}`] as Spread).median / 1e6)}`);
  notes.add(`${where}: peak of a core meanwhile, GFLOP/s: ${rates.join(', ')}`);
}

const shareOf = (timesPeak: number, flops: number, threads: number): number => (100 * timesPeak * flops) / peakFlops / threads;

async function blocks(threads: number, measuring: Options, notes: Set<string>): Promise<Row[]> {
  const random = numbers();
  const values = (n: number, most: number) => Float32Array.from({ length: n }, () => (2 * random.next().value - 1) * most);
  const { rows, C, F } = block;
  const task: FeedForward = { ...block, x: values(rows * C, 1), w1: values(F * C, C ** -0.5), w2: values(C * F, F ** -0.5) };
  const jax = await openJax(task);
  const own: { mode: Mode; count: number; side: Block }[] = [];
  for (const mode of await modes())
    for (const count of new Set([1, threads])) own.push({ mode, count, side: await openBlock(task, mode, count) });
  const expected = await jax.gradients();
  const errors: number[] = [];
  for (const { side } of own) {
    const found = await side.gradients();
    errors.push(...found.map((gradient, i) => relativeError(gradient, expected[i] as Float32Array)));
  }
  const worst = Math.max(...errors);
  if (!(worst <= tolerance)) throw new Error(`gradients differ from jax-js's by ${worst}`);
  notes.add(`feed-forward block: largest difference of the gradients from jax-js's, relative to the largest: ${worst.toExponential(1)}`);
  const tasks: Record<string, Task> = Object.fromEntries(
    [jax, ...own.map(({ side }) => side)].map((side) => [side.name, () => side.run()]),
  );
  const { times, ratio } = await compare({ ...tasks, ...peaksOf(await modes()) }, measuring);
  notePeaks('feed-forward block', await modes(), times, notes);
  const flops = blockFlops(task);
  const timed = (name: string): Row => {
    const ms = (times[name] as { median: number }).median;
    return { side: name, ms, 'GFLOP/s': flops / ms / 1e6 };
  };
  const result = own.map(({ mode, count, side }) => {
    const { median, low, high } = ratio(jax.name, side.name);
    const share = shareOf(ratio(`peak ${mode}`, side.name).median, flops, count);
    return { ...timed(side.name), '% of peak': share, "times jax-js's speed": median, quartiles: `${digits(low)}-${digits(high)}` };
  });
  for (const side of [jax, ...own.map((one) => one.side)]) await side.close();
  return [timed(jax.name), ...result];
}

/** The largest difference, as a share of the largest value. */
function relativeError(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Infinity;
  const most = expected.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  return found.reduce((top, v, i) => Math.max(top, Math.abs(v - (expected[i] as number)) || (Number.isNaN(v) ? Infinity : 0)), 0) / most;
}

export const command: Command = {
  async run(options) {
    const { threads, wide, measuring, only = [...Object.keys(sizes), 'block'] } = options;
    const notes = new Set<string>();
    const stepRows: Row[] = [];
    for (const name of only.filter((one) => one in sizes)) stepRows.push(...(await steps(name, options, notes)));
    const blockRows = only.includes('block') ? await blocks(threads, measuring, notes) : [];
    const tables = [
      { caption: 'A training step', rows: stepRows },
      { caption: 'Gradients of a feed-forward block, 1280 x 256 -> 1024 -> 256', rows: blockRows },
    ];
    return {
      title: `Training, float32, threads ${threads}${wide ? ', 256 bits' : ''}`,
      tables: tables.filter(({ rows }) => rows.length > 0),
      notes: [...notes],
    };
  },
};
