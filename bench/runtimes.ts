/**
 * `bench runtimes`: the same binaries and the same work in every runtime that can be had, each round in a process of its own. Runtimes are the
 * runners of test/runtimes/runners; what a process does is in runtimes/speed.ts and runtimes/start.ts.
 */
import { runners } from '../test/runtimes/runners.js';
import type { Command } from './command.js';
import { measureRounds, type Settings } from './runtimes/rounds.js';
import { chartOf, machinePeaks, spreadNote, tables } from './runtimes/tables.js';
import { digits } from './table.js';

export const command: Command = {
  async run({ threads, measuring, tokens = [16, 128, 512], only }) {
    const settings: Settings = { rounds: measuring.rounds ?? 3, threads, tokens };
    const parts = only?.map((part) => part.toLowerCase());
    const wanted = runners.filter(({ name }) => !parts || parts.some((part) => name.toLowerCase().includes(part)));
    if (!wanted.length) throw new Error(`No runtime has such a name; there are\n  ${runners.map(({ name }) => name).join('\n  ')}`);

    const { all, failed } = await measureRounds(
      wanted.filter((runner) => !runner.missing()),
      settings,
    );
    if (failed) process.exitCode = 1;

    const plain = all.flatMap(({ speed }) => speed.plain);
    const title = `One forward in every runtime, float32, threads ${threads}`;
    const notes = [
      `${spreadNote(settings.rounds)}; a process a round`,
      ...new Set(plain.map(({ weights }) => `weights: ${weights}`)),
      ...new Set(plain.map(({ digest }) => `digest of all answers in deterministic mode (plain), the same in every runtime: ${digest}`)),
      ...Object.entries(machinePeaks(all)).map(
        ([mode, { gflops, name }]) => `peak of a core, ${mode}: ${digits(gflops)} GFLOP/s, in ${name}`,
      ),
      ...wanted.flatMap(({ name, missing }) => (missing() ? [`left out: ${name}: ${missing()}`] : [])),
      ...all.flatMap(({ name, leftOut }) => Object.entries(leftOut).map(([why, what]) => `left out: ${name}, ${what.join(', ')}: ${why}`)),
    ];
    const runtime = `${all.filter(({ version }) => version).length} runtimes and settings`;
    return { title, runtime, tables: tables(all, settings), notes, charts: [chartOf(title, all, settings)], raw: all };
  },
};
