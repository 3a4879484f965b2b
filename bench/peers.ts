/**
 * `bench peers`: heed against onnxruntime-web and TensorFlow.js, on one encoder layer and on six, interleaved in one process with the same
 * weights and threads. Every side answers the same input first, and an answer that is off fails the run. heed's two kinds of binaries
 * have columns of their own; a ratio above 1 says how many times as fast heed is.
 */

import type { Chart } from './chart.js';
import type { Command } from './command.js';
import { modes, openHeed } from './heed.js';
import { compare, type Options } from './measure.js';
import type { Mode } from './peak.js';
import { openOnnxruntime } from './peers/onnxruntime.js';
import { openTfjs } from './peers/tfjs.js';
import type { Peer } from './peers/types.js';
import type { Report } from './report.js';
import { digits, type Row } from './table.js';
import { randomEncoder, randomInput } from './weights.js';

/** What two right answers may differ by: layer norm puts every value within a few units of 0. */
const tolerance = 1e-3;
const layerCounts = [1, 6];
const defaultTokens = [16, 128, 512];

const largestDifference = (a: Float32Array, b: Float32Array): number =>
  a.length === b.length
    ? a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number)) || (v === b[i] ? 0 : Infinity)), 0)
    : Infinity;

/** Throws where a side's answer is not the first peer's. */
async function check(sides: Peer[], T: number): Promise<string> {
  const x = randomInput(T);
  const answers: Float32Array[] = [];
  for (const side of sides) answers.push(await side.run(x, T));
  const differences = answers.map((answer) => largestDifference(answer, answers[0] as Float32Array));
  const worst = sides
    .map((side, i) => `${side.name} ${(differences[i] as number).toExponential(1)}`)
    .slice(1)
    .join(', ');
  if (!differences.every((d) => d <= tolerance)) throw new Error(`T = ${T}: results differ from ${sides[0]?.name}'s: ${worst}`);
  return worst;
}

/** A row for each peer. */
async function measure(sides: Peer[], peers: Peer[], available: Mode[], T: number, options: Options): Promise<Row[]> {
  const x = randomInput(T);
  const { times, ratio } = await compare(Object.fromEntries(sides.map((side) => [side.name, () => side.run(x, T)])), options);
  return peers.map(({ name: peer }) => {
    const row: Row = { T, peer, 'peer ms': times[peer]?.median };
    for (const mode of available) row[`${mode} ms`] = times[`heed ${mode}`]?.median;
    for (const mode of available) {
      const { median, low, high } = ratio(peer, `heed ${mode}`);
      row[`${mode} is … times as fast`] = median;
      row[`${mode} quartiles`] = `${digits(low)}-${digits(high)}`;
    }
    return row;
  });
}

export const command: Command = {
  async run({ threads, measuring, tokens = defaultTokens }): Promise<Report> {
    const rows: Row[] = [];
    const notes = new Set<string>();
    const available = await modes();
    for (const layers of layerCounts) {
      const encoder = randomEncoder(layers);
      const peers = [await openOnnxruntime(encoder, { threads }), await openTfjs(encoder, { threads })];
      const sides = [...peers];
      for (const mode of available) sides.push(await openHeed(encoder, { threads, mode }));
      for (const { name, version, options } of sides) notes.add(`${name} ${version}: ${options}`);
      for (const T of tokens) {
        notes.add(`layers ${layers}, T ${T}: largest difference from ${sides[0]?.name}: ${await check(sides, T)}`);
        rows.push(...(await measure(sides, peers, available, T, measuring)).map((row) => ({ layers, ...row })));
      }
      for (const side of sides) await side.close();
    }
    const title = `heed and its peers: an encoder of MiniLM's size, float32, threads ${threads}, one process`;
    return { title, tables: [{ rows }], notes: [...notes], charts: [chart(title, rows, available)] };
  },
};

/** One layer; onnxruntime-web is 1. */
function chart(title: string, rows: Row[], available: Mode[]): Chart {
  const first = rows.filter(({ layers, peer }) => layers === 1 && peer === 'onnxruntime-web');
  const data = first.flatMap((row) => {
    const base = row['peer ms'] as number;
    const tfjs = rows.find(({ layers, T, peer }) => layers === 1 && T === row.T && peer === 'tfjs')?.['peer ms'];
    const times = { 'onnxruntime-web': base, tfjs, ...Object.fromEntries(available.map((mode) => [`heed ${mode}`, row[`${mode} ms`]])) };
    return Object.entries(times).map(([series, ms]) => ({ x: row.T as number, y: base / (ms as number), series }));
  });
  return { kind: 'bars', title, x: 'T', y: 'speed of one layer, onnxruntime-web = 1', data };
}
