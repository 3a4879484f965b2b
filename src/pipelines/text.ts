/** What pipelines that read texts have in common: loading a model beside its tokenizer and checking what they are given. */
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
