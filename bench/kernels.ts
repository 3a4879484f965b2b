/**
 * `bench kernels`: GFLOP/s of heed's kernels (kernel-tasks.ts), each beside the peak of the same build (peak.ts), measured in the same
 * rounds.
 */
import { createEngine } from 'heed';
import type { Command } from './command.js';
import { modes } from './heed.js';
import { kernelTasks } from './kernel-tasks.js';
import { compare, spread, type Task } from './measure.js';
import { type Mode, peakFlops } from './peak.js';
import { peakTasks } from './peak-binary.js';
import { digits, type Row } from './table.js';

/** Timed unless `--only` names others: where models spend their time. */
const usual = ['linear', 'attention', 'softmax', 'layerNorm', 'gelu', 'linear, plain weight gradient', 'attention gradient'];

export const command: Command = {
  async run({ threads, measuring, only = usual }) {
    const available = await modes();
    const peaks = peakTasks(available);
    const engines = {} as Record<Mode, Awaited<ReturnType<typeof createEngine>>>;
    for (const mode of available) engines[mode] = await createEngine({ threads, deterministic: mode === 'plain' });

    const rows: Row[] = [];
    const data = [];
    const peakRates = Object.fromEntries(available.map((mode) => [mode, [] as number[]]));
    for (const { name, flops, prepare } of kernelTasks(only)) {
      const tasks: Record<string, Task> = {};
      for (const mode of available) {
        tasks[mode] = prepare(engines[mode]);
        tasks[`${mode} peak`] = peaks[mode] as Task;
      }
      const { times, ratio } = await compare(tasks, { warmMs: 500, ...measuring });
      const row: Row = { kernel: name };
      for (const mode of available) {
        peakRates[mode]?.push(peakFlops / (times[`${mode} peak`]?.median ?? Number.NaN) / 1e6);
        const rate = flops / (times[mode]?.median ?? Number.NaN) / 1e6;
        const share = (ratio(`${mode} peak`, mode).median * flops) / peakFlops / threads;
        row[`${mode} GFLOP/s`] = rate;
        row[`${mode} % of peak`] = 100 * share;
        data.push({ x: name, y: 100 * share, series: mode });
      }
      rows.push(row);
    }
    for (const mode of available) await engines[mode].dispose();
    const title = `Kernels, float32, threads ${threads}${threads > 1 ? `; their peak is that of one thread times ${threads}` : ''}`;
    const notes = available.map((mode) => `peak of one thread, ${mode}: ${digits(spread(peakRates[mode] ?? []).median)} GFLOP/s`);
    return { title, tables: [{ rows }], notes, charts: [{ kind: 'bars', title, x: '', y: '% of peak', data }] };
  },
};
