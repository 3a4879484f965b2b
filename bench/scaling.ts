/**
 * heed by itself: an encoder of some layers at several lengths, for each kind of binary and each number of threads up to the one asked
 * for, interleaved. `bench layer` and `bench encoder` are this with other numbers.
 */
import type { Command } from './command.js';
import { modes, openHeed } from './heed.js';
import { compare } from './measure.js';
import type { Peer } from './peers/types.js';
import type { Row } from './table.js';
import { encoderFlops, randomEncoder, randomInput } from './weights.js';

interface Plan {
  title: string;
  layers: number;
  tokens: number[];
  kind: 'bars' | 'lines';
}

export const scaling = (plan: Plan): Command => ({
  async run({ threads, measuring, tokens = plan.tokens }) {
    const encoder = randomEncoder(plan.layers);
    const threadCounts = Array.from({ length: threads }, (_, i) => i + 1);
    const sides: Record<string, Peer> = {};
    for (const mode of await modes())
      for (const count of threadCounts) sides[`${mode}, threads ${count}`] = await openHeed(encoder, { threads: count, mode });
    const names = Object.keys(sides);

    const rows: Row[] = [];
    const data = [];
    for (const T of tokens) {
      const x = randomInput(T);
      const { times } = await compare(Object.fromEntries(names.map((name) => [name, () => sides[name]?.run(x, T)])), measuring);
      for (const name of names) {
        const { median, low, high } = times[name] as (typeof times)[string];
        const gflops = encoderFlops(plan.layers, T) / median / 1e6;
        rows.push({ T, build: name, ms: median, 'lower quartile': low, 'upper quartile': high, 'GFLOP/s': gflops });
        data.push({ x: T, y: gflops, series: name });
      }
    }
    for (const side of Object.values(sides)) await side.close();
    return { title: plan.title, rows, chart: { kind: plan.kind, x: 'T', y: 'GFLOP/s', data } };
  },
});
