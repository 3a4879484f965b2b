/** Results of rounds as tables and a chart. A value is the median of its rounds, with the lowest and highest, or quartiles where rounds suffice. */
import type { Chart } from '../chart.js';
import { type Spread, spread } from '../measure.js';
import type { Mode } from '../peak.js';
import type { Table } from '../report.js';
import { digits, type Row } from '../table.js';
import type { Results, Settings } from './rounds.js';
import type { Speed, Start } from './types.js';

const quartilesFrom = 5;
/** The kernel that the first table shows. */
const shownKernel = 'linear 128x1536x384';
const modes: readonly Mode[] = ['plain', 'relaxed'];

export const spreadNote = (rounds: number): string =>
  rounds === 1
    ? 'one round'
    : `medians of ${rounds} rounds, and in brackets ${rounds < quartilesFrom ? 'the lowest and highest' : 'their quartiles'}`;

function spreadOf(sample: readonly number[]): Spread {
  const quartiles = spread(sample);
  return sample.length < quartilesFrom ? { ...quartiles, low: Math.min(...sample), high: Math.max(...sample) } : quartiles;
}

/** `12.3 (11.9–12.8)`, or nothing where nothing was measured. */
function cell(sample: readonly (number | undefined)[]): string {
  const values = sample.filter((value) => value !== undefined);
  if (!values.length) return '';
  const { median, low, high } = spreadOf(values);
  return values.length === 1 ? digits(median) : `${digits(median)} (${digits(low)}–${digits(high)})`;
}

/**
 * The machine's peak, for each build: the highest of any runtime's. Not each runtime's own, since the peak's code is not every compiler's best: fused,
 * it is slower in Firefox than heed's kernels.
 */
export function machinePeaks(all: readonly Results[]): Partial<Record<Mode, { gflops: number; name: string }>> {
  const peaks: Partial<Record<Mode, { gflops: number; name: string }>> = {};
  for (const { name, speed } of all)
    for (const mode of modes) {
      const { median } = spread(speed[mode].flatMap(({ peak }) => peak ?? []));
      if (median > (peaks[mode]?.gflops ?? 0)) peaks[mode] = { gflops: median, name };
    }
  return peaks;
}

/** A row for each runtime and build that was measured. */
const perBuild = (all: readonly Results[], columns: (speeds: Speed[], mode: Mode) => Row): Row[] =>
  all.flatMap((results) =>
    modes
      .filter((mode) => results.speed[mode].length)
      .map((mode) => ({ runtime: results.name, build: mode, ...columns(results.speed[mode], mode) })),
  );

export function tables(all: readonly Results[], { tokens, threads }: Settings): Table[] {
  const of =
    (speeds: Speed[]) =>
    (pick: (speed: Speed) => number | undefined): string =>
      cell(speeds.map(pick));

  const peaks = machinePeaks(all);
  const shareOf = (mode: Mode, gflops: number | undefined) => {
    const peak = peaks[mode];
    return peak && gflops && (100 * gflops) / (peak.gflops * threads);
  };
  const forward = perBuild(all, (speeds, mode) => {
    const value = of(speeds);
    return {
      ...Object.fromEntries(tokens.map((T) => [`MiniLM T ${T}, ms`, value(({ model }) => model[T])])),
      'first forward, ms': value(({ firstForwardMs }) => firstForwardMs),
      [`${shownKernel}, GFLOP/s`]: value(({ kernels }) => kernels[shownKernel]),
      '% of peak': value(({ kernels }) => shareOf(mode, kernels[shownKernel])),
      'peak here, GFLOP/s': value(({ peak }) => peak),
    };
  });
  const layers = perBuild(all, (speeds) => Object.fromEntries(tokens.map((T) => [`T ${T}, ms`, of(speeds)(({ layer }) => layer[T])])));
  const kernels = perBuild(all, (speeds) =>
    Object.fromEntries(Object.keys(speeds[0]?.kernels ?? {}).map((name) => [name, of(speeds)((speed) => speed.kernels[name])])),
  );
  const starts = all
    .filter(({ start }) => start.length)
    .map(({ name, version, start, embeddedMs, peakMiB }): Row => {
      const value = (pick: (start: Start) => number | undefined) => cell(start.map(pick));
      return {
        ...{ runtime: name, version },
        'createEngine, cold': value(({ coldEngineMs }) => coldEngineMs),
        'createEngine, warm': value(({ warmEngineMs }) => warmEngineMs),
        'tokenizer and weights': value(({ loadMs }) => loadMs),
        'first embedding': value(({ embedMs }) => embedMs),
        'from the very start to it': cell(embeddedMs),
        'peak memory, MiB': cell(peakMiB),
      };
    });
  return [
    {
      caption: `A forward of the model, and a linear layer's share of the machine's peak${threads > 1 ? ` times ${threads}` : ''}`,
      rows: forward,
    },
    { caption: 'One encoder layer', rows: layers },
    { caption: 'Kernels, GFLOP/s', rows: kernels },
    { caption: 'Start, ms', rows: starts },
  ].filter(({ rows }) => rows.length);
}

/** The model at one length, by runtime. */
export function chartOf(title: string, all: readonly Results[], { tokens }: Settings): Chart {
  const T = tokens.includes(128) ? 128 : (tokens[0] as number);
  const data = all.flatMap(({ name, speed }) =>
    modes
      .filter((mode) => speed[mode].length)
      .map((mode) => ({ x: name, y: spreadOf(speed[mode].map(({ model }) => model[T] as number)).median, series: mode })),
  );
  return { kind: 'bars', title, x: '', y: `MiniLM, T ${T}, milliseconds a forward (less is better)`, data };
}
