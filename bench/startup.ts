/**
 * `bench startup`: what a fresh process waits for. Starts Node again and again on startup-child.ts, which reports its own milestones, and
 * takes medians: of an encoder's layers, of the translator that heed brings along, and with --model FOLDER from the start of the process to the first embedding of a short text, tokenizer included.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from './command.js';
import { modes } from './heed.js';
import { spread } from './measure.js';
import { root } from './root.js';
import type { Milestones } from './startup-child.js';
import type { Row } from './table.js';

const child = join(root, 'bench', '.cache', 'bundle', 'startup-child.mjs');

/** What each milestone is, in the order of the table. */
const labels: Record<keyof Milestones, string> = {
  nodeMs: 'Node itself, until its first line of ours runs',
  importMs: 'importing heed',
  firstEngineMs: 'the first createEngine of the process',
  nextEngineMs: 'createEngine again, warm',
  weightsMs: 'weights of six layers from JavaScript arrays, packed',
  firstForwardMs: 'the first forward, T 128',
  warmForwardMs: 'a warm forward, T 128',
  forwardRatio: 'first forward / warm forward',
  loadMs: 'the translator: loading it',
  firstSentenceMs: 'its first sentence, of ten words, greedily',
  warmSentenceMs: 'another one, warm',
  pipelineMs: 'loading the model: weights, tokenizer, settings',
  firstTextMs: 'the first embedding, of 16 tokens',
  embeddingMs: 'from the start of the process to the first embedding',
  peakMiB: 'peak memory (resident), MiB',
  aboveNodeMiB: 'peak memory above that of a Node that imports nothing, MiB',
};

export const command: Command = {
  async run({ threads, measuring, model }) {
    const { rounds = 15 } = measuring;
    const available = await modes();
    const rows: Row[] = [];
    for (const kind of model ? ['encoder', 'translation', 'embedding'] : ['encoder', 'translation']) {
      const args = (mode: string) => [kind, mode, String(threads), model ?? ''];
      const node = kind === 'embedding' ? spread(Array.from({ length: 5 }, () => run(['nothing', '', '', '']).peakMiB)).median : undefined;
      const columns = available.map((mode) =>
        Array.from({ length: rounds }, () => {
          const told = run(args(mode));
          return node === undefined ? told : { ...told, aboveNodeMiB: told.peakMiB - node };
        }),
      );
      for (const key of Object.keys(labels) as (keyof Milestones)[]) {
        if (columns[0]?.[0]?.[key] === undefined) continue;
        const row: Row = { run: kind, milestone: labels[key] };
        available.forEach((mode, i) => {
          const { median, high } = spread((columns[i] ?? []).map((result) => result[key] as number));
          row[mode] = median;
          row[`${mode}, upper quartile`] = high;
        });
        rows.push(row);
      }
    }
    return { title: `Start of a process, threads ${threads}; milliseconds, medians of ${rounds} processes`, tables: [{ rows }] };
  },
};

const run = (args: string[]): Milestones => JSON.parse(execFileSync(process.execPath, [child, ...args], { encoding: 'utf8' }));
