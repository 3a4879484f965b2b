/** What a run of the fuzz came to, as text. */
import { targets } from './classes.js';
import type { Report } from './loop.js';

const MIB = 2 ** 20;
/** Of all inputs these must hit headers, configs and tokenizers. */
const CORE = ['header', 'config', 'tokenizer'];
/** Fewer inputs say little about shares. */
const FEW = 500;

/** A class of inputs, and what of files they change. */
export interface Named {
  readonly name: string;
  readonly hits: (typeof targets)[number];
}

export function printed(
  report: Report,
  seed: number,
  heapSlack: number,
  kind: string,
  classes: readonly Named[],
): { text: string; good: boolean } {
  const { counts, failures, inputs, slowest, wasm, heap } = report;
  const outcomes = [...new Set(Object.values(counts).flatMap((row) => Object.keys(row)))].sort();
  const sum = (names: readonly string[]) => {
    const rows = names.map((name) => counts[name] ?? {});
    return outcomes.map((outcome) => rows.reduce((n, row) => n + (row[outcome] ?? 0), 0));
  };
  const width = Math.max(...classes.map(({ name }) => name.length));
  const line = (name: string, cells: readonly (string | number)[]) =>
    `${name.padEnd(width)} ${cells.map((cell, i) => String(cell).padStart(Math.max(8, (outcomes[i]?.length ?? 0) + 2))).join('')}`;
  const all = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const rows = classes.filter(({ name }) => counts[name]).map(({ name }) => line(name, [...sum([name]), all(sum([name]))]));
  const ofTarget = (wanted: readonly string[]) => sum(classes.filter(({ hits }) => wanted.includes(hits)).map(({ name }) => name));
  const byTarget = targets.map((target) => line(`all that hit: ${target}`, [...ofTarget([target]), all(ofTarget([target]))]));
  const share = all(ofTarget(CORE)) / Math.max(1, all(ofTarget(targets)));

  const troubles = failures.map(
    (f) =>
      `input ${f.index} (${f.class}, seed ${seed}): ${f.what}\n  repeat it with HEED_FUZZ_ONLY=${f.index} node scripts/run.mjs test/fuzz/main.ts 1 ${seed} ${kind}`,
  );
  // Files of pictures have no such parts.
  const hasParts = classes.some(({ hits }) => CORE.includes(hits));
  if (hasParts && share < 0.5 && inputs >= FEW)
    troubles.push(`only ${(100 * share).toFixed(1)} % of the inputs hit headers, configs and tokenizers`);
  if (wasm[1] > wasm[0]) troubles.push(`WebAssembly memory grew from ${wasm[0]} to ${wasm[1]} bytes`);
  if (heap[1] > heap[0] + heapSlack) troubles.push(`the heap grew from ${heap[0]} to ${heap[1]} bytes`);

  const mib = ([from, to]: readonly [number, number]) => `${(from / MIB).toFixed(2)} MiB, then ${(to / MIB).toFixed(2)}`;
  const text = [
    line(`${inputs} inputs, seed ${seed}`, [...outcomes, 'all']),
    ...rows,
    '',
    ...byTarget,
    line('all', [...ofTarget(targets), all(ofTarget(targets))]),
    '',
    `${(100 * share).toFixed(1)} % hit headers, configs and tokenizers; the slowest:`,
    ...slowest.map(({ ms, index, class: name }) => `  ${ms.toFixed(0).padStart(5)} ms  input ${index} (${name})`),
    `WebAssembly memory ${mib(wasm)}; heap ${mib(heap)}`,
    ...(troubles.length ? ['', ...troubles] : ['nothing failed']),
  ].join('\n');
  return { text, good: troubles.length === 0 };
}
