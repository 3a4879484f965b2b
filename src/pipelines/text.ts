/** What pipelines that read texts have in common: loading a model beside its tokenizer, checking what they are given, and batches of texts of like length. */
import { isSignal } from '../engine/queue.js';
import { HeedError, kindOf } from '../errors.js';

/** Options that every pipeline has. */
export interface RunOptions {
  signal?: AbortSignal | undefined;
  /** Called after each batch with the number of texts done; of sentences, where texts are cut into them. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export const runOptionNames: readonly string[] = ['signal', 'onProgress'];

/** Waits for a model and what goes with it; disposes of the model where any of it fails. */
export async function loadAll<M extends { dispose(): void }, Rest extends unknown[]>(
  model: Promise<M>,
  ...rest: { [I in keyof Rest]: Promise<Rest[I]> }
): Promise<[M, ...Rest]> {
  try {
    return (await Promise.all([model, ...rest])) as [M, ...Rest];
  } catch (error) {
    const [loaded] = await Promise.allSettled([model, ...rest]);
    if (loaded.status === 'fulfilled') (loaded.value as M).dispose();
    throw error;
  }
}

/** The texts as a list. Throws ARGUMENT for anything else, and for options that cannot be. */
export function textsOf(task: string, texts: string | readonly string[], { signal, onProgress }: RunOptions): readonly string[] {
  const wrong = (name: string, value: unknown, cure: string) =>
    new HeedError('ARGUMENT', `${task}: ${name} is ${kindOf(value)}`, { culprit: name, cure });
  if (signal !== undefined && !isSignal(signal)) throw wrong('signal', signal, 'It must be an AbortSignal');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw wrong('onProgress', onProgress, 'It must be a function');
  const list: string[] = Array.isArray(texts) ? Array.from(texts) : [texts];
  const strange = list.findIndex((text) => typeof text !== 'string');
  if (strange >= 0) throw new HeedError('ARGUMENT', `${task} takes strings, not ${kindOf(list[strange])}`, { culprit: 'texts' });
  signal?.throwIfAborted();
  return list;
}

/** Neighbours in length together, longest first, as many as fit into `tokens` with their padding. */
export function batchesOf<Job extends { readonly ids: readonly number[] }>(jobs: readonly Job[], tokens: number): Job[][] {
  const sorted = [...jobs].sort((a, b) => b.ids.length - a.ids.length);
  const found: Job[][] = [];
  for (const job of sorted) {
    const last = found.at(-1);
    const width = last?.[0]?.ids.length ?? 0;
    if (last && (last.length + 1) * width <= tokens) last.push(job);
    else found.push([job]);
  }
  return found;
}

/** Rows of ids, padded on the right to [B, T]. */
export function padded(
  rows: readonly (readonly number[])[],
  pad: number,
): { ids: Int32Array; dims: readonly [B: number, T: number]; lengths: number[] } {
  const T = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const ids = new Int32Array(rows.length * T).fill(pad);
  for (const [row, own] of rows.entries()) ids.set(own, row * T);
  return { ids, dims: [rows.length, T], lengths: rows.map(({ length }) => length) };
}
