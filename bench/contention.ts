/**
 * `bench contention`: whether threads pay on a machine whose cores others want too. An encoder of six layers, MiniLM's size, on one thread and on as many as
 * asked for, in turns: alone, and beside a process that does nothing but turn in a loop on the last core (where `taskset` can bind it to one).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Command } from './command.js';
import { modes, openHeed } from './heed.js';
import { compare, type Task } from './measure.js';
import { digits, type Row } from './table.js';
import { randomEncoder, randomInput } from './weights.js';

const LAYERS = 6;

/** A process that takes all it can get of one core. */
async function competitor(): Promise<ChildProcess> {
  const loop = [process.execPath, '-e', 'for (;;);'] as const;
  const start = async (command: string, args: readonly string[]) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    await once(child, 'spawn'); // rejects where there is no such command
    return child;
  };
  return start('taskset', ['-c', String(availableParallelism() - 1), ...loop]).catch(() => start(loop[0], loop.slice(1)));
}

export const command: Command = {
  async run({ threads: asked, measuring, tokens = [16, 128] }) {
    const threads = Math.max(2, asked);
    const encoder = randomEncoder(LAYERS);
    const rows: Row[] = [];
    for (const mode of await modes()) {
      const peers = await Promise.all([1, threads].map((count) => openHeed(encoder, { threads: count, mode })));
      for (const beside of ['nobody', 'a busy loop on one core'] as const) {
        const other = beside === 'nobody' ? undefined : await competitor();
        try {
          for (const T of tokens) {
            const x = randomInput(T);
            const [one, many] = peers.map(
              ({ run }): Task =>
                () =>
                  run(x, T),
            ) as [Task, Task];
            const { times, ratio } = await compare({ one, many }, measuring);
            const { median, low, high } = ratio('one', 'many');
            rows.push({
              ...{ T, build: mode, beside, 'threads 1 ms': times.one.median, [`threads ${threads} ms`]: times.many.median },
              [`threads ${threads} are … times as fast`]: `${digits(median)} (${digits(low)} to ${digits(high)})`,
            });
          }
        } finally {
          other?.kill();
        }
      }
      for (const { close } of peers) await close();
    }
    return { title: `${LAYERS} encoder layers beside others, threads 1 and ${threads}, one process`, tables: [{ rows }], notes: [] };
  },
};
