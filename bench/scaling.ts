/**
 * heed by itself: an encoder of some layers at several lengths, for each kind of binary and for 1, 2, 4 … threads up to the number asked
 * for, interleaved with the peak of the machine (peak.ts). `bench layer` and `bench encoder` are this with other numbers.
 */
import type { Chart, Datum } from './chart.js';
import type { Command } from './command.js';
import { modes, openHeed } from './heed.js';
import { compare, spread, type Task } from './measure.js';
import { type Mode, peakFlops } from './peak.js';
import { peakTasks } from './peak-binary.js';
import type { Peer } from './peers/types.js';
import { digits, type Row } from './table.js';
import { encoderFlops, randomEncoder, randomInput } from './weights.js';

interface Plan {
  title: string;
  layers: number;
  tokens: number[];
}

/** One configuration at one length. */
interface Point {
  mode: Mode;
  threads: number;
  T: number;
  ms: number;
  gflops: number;
  /** Of the peak of one thread, times the threads, in percent. */
  share: number;
}

/** 1, 2, 4 … and the number itself. */
function upTo(threads: number): number[] {
  const counts = [];
  for (let count = 1; count < threads; count *= 2) counts.push(count);
  return [...counts, threads];
}

export const scaling = (plan: Plan): Command => ({
  async run({ threads, measuring, tokens = plan.tokens }) {
    const encoder = randomEncoder(plan.layers);
    const available = await modes();
    const peaks = peakTasks(available);
    const sides: { mode: Mode; threads: number; name: string; peer: Peer }[] = [];
    for (const mode of available)
      for (const count of upTo(threads))
        sides.push({ mode, threads: count, name: `${mode}, threads ${count}`, peer: await openHeed(encoder, { threads: count, mode }) });

    const rows: Row[] = [];
    const points: Point[] = [];
    const peakRates = { plain: [], relaxed: [] } as Record<Mode, number[]>;
    for (const T of tokens) {
      const x = randomInput(T);
      const tasks: Record<string, Task> = Object.fromEntries(sides.map(({ name, peer }) => [name, () => peer.run(x, T)]));
      for (const mode of available) tasks[`peak ${mode}`] = peaks[mode] as Task;
      const { times, ratio } = await compare(tasks, measuring);
      const timeOf = (name: string) => times[name] as (typeof times)[string];
      for (const mode of available) peakRates[mode].push(peakFlops / timeOf(`peak ${mode}`).median / 1e6);
      for (const { mode, threads: count, name } of sides) {
        const { median, low, high } = timeOf(name);
        const flops = encoderFlops(plan.layers, T);
        const share = (100 * ratio(`peak ${mode}`, name).median * flops) / peakFlops / count;
        const point = { mode, threads: count, T, ms: median, gflops: flops / median / 1e6, share };
        points.push(point);
        const quartiles = { 'lower quartile': low, 'upper quartile': high };
        rows.push({ T, build: name, ms: median, ...quartiles, 'GFLOP/s': point.gflops, '% of peak': share });
      }
    }
    for (const { peer } of sides) await peer.close();
    const peakOf = (mode: Mode) => spread(peakRates[mode]).median;
    const notes = available.map((mode) => `peak of one thread, ${mode}: ${digits(peakOf(mode))} GFLOP/s`);
    return { title: plan.title, tables: [{ rows }], notes, charts: charts(plan.title, points, peakOf) };
  },
});

/** Time and share of the peak against length, and GFLOP/s against threads beside the peak, where there are several numbers of threads. */
function charts(title: string, points: Point[], peakOf: (mode: Mode) => number): Chart[] {
  const lines = { kind: 'lines', title } as const;
  const byLength = (y: (point: Point) => number): Datum[] =>
    points.map((point) => ({ x: point.T, y: y(point), series: `${point.mode}, threads ${point.threads}` }));
  const time: Chart = { ...lines, name: 'time', x: 'T', y: 'ms', data: byLength(({ ms }) => ms), logarithmic: ['x', 'y'] };
  const y = '% of the peak of one core times the threads';
  const share: Chart = { ...lines, name: 'share', x: 'T', y, data: byLength((point) => point.share), logarithmic: ['x'], most: 100 };

  const threads = [...new Set(points.map((point) => point.threads))];
  if (threads.length < 2) return [time, share];
  const available = [...new Set(points.map(({ mode }) => mode))];
  const peaks = available.flatMap((mode) => threads.map((x) => ({ x, y: x * peakOf(mode), series: `peak, ${mode}` })));
  const shown = [16, 128, 512].filter((T) => points.some((point) => point.T === T));
  const measured = shown.flatMap((T) =>
    points.filter((point) => point.T === T).map((point) => ({ x: point.threads, y: point.gflops, series: `${point.mode}, T ${T}` })),
  );
  const reference = available.map((mode) => `peak, ${mode}`);
  return [time, share, { ...lines, name: 'threads', x: 'threads', y: 'GFLOP/s', data: [...measured, ...peaks], reference }];
}
