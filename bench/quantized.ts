/**
 * `bench quantized`: linear layers with 8-bit weights beside float32's, of each build, in the same rounds; both through the operator that a user calls,
 * rounding of activations included. Weights a second count for few rows, which read each weight for little work; the peak (peak.ts) is float32's.
 */
import { createEngine } from 'heed';
import { type LinearShape, linearCase } from '../test/cases/linear.js';
import { quantizedLinearCase } from '../test/cases/quantize.js';
import type { Command } from './command.js';
import { modes } from './heed.js';
import { caseTask } from './kernel-tasks.js';
import { compare, type Task } from './measure.js';
import { peakFlops } from './peak.js';
import { peakTasks } from './peak-binary.js';
import type { Row } from './table.js';

export const command: Command = {
  async run({ threads, measuring, only }) {
    const available = await modes();
    const peaks = peakTasks(available);
    const rows: Row[] = [];
    for (const shape of quantizedLinearCase.bench) {
      const { M, N, K, copies } = shape as LinearShape;
      const name = `${M}, ${N}, ${K}${copies ? `, ${copies} in turn` : ''}`;
      if (only && !only.includes(String(M))) continue;
      for (const mode of available) {
        // An engine of its own, so that weights of other shapes are not in its memory.
        const engine = await createEngine({ threads, deterministic: mode === 'plain' });
        const tasks: Record<'float32' | 'q8' | 'peak', Task> = {
          float32: caseTask(engine, linearCase, shape),
          q8: caseTask(engine, quantizedLinearCase, shape),
          peak: peaks[mode] as Task,
        };
        const { times, ratio } = await compare(tasks, { warmMs: 300, rounds: 9, minMs: 40, ...measuring });
        const flops = (task: 'float32' | 'q8') => (2 * M * N * K) / times[task].median / 1e6;
        rows.push({
          'M, N, K': name,
          build: mode,
          'float32 GFLOP/s': flops('float32'),
          'q8 GFLOP/s': flops('q8'),
          'q8 / float32': ratio('float32', 'q8').median,
          'float32 Gweights/s': flops('float32') / 2 / M,
          'q8 Gweights/s': flops('q8') / 2 / M,
          'peak GFLOP/s': peakFlops / times.peak.median / 1e6,
        });
        await engine.dispose();
      }
    }
    return { title: `Products with 8-bit weights, threads ${threads}`, tables: [{ rows }], notes: [], charts: [] };
  },
};
