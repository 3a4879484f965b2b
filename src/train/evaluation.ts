/** Evaluation of a model on data: an objective's sums over all batches, and, on request, scores of texts that the model generates against references. */
import { HeedError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { Random } from '../random.js';
import { type Batches, empty, exampleOf, located } from './batches.js';
import { bleu } from './metrics/bleu.js';
import { chrf } from './metrics/chrf.js';
import type { Metrics, Objective } from './objective.js';

export interface EvaluationOptions<Model, Batch> {
  objective: Objective<Model, Batch>;
  loader: Batches<Batch>;
  seed: number;
  decode: boolean;
  signal: AbortSignal | undefined;
}

/** Metrics over a loader's first epoch. Leaves the model out of training. */
export async function evaluate<Model extends Module, Batch>(
  model: Model,
  { objective, loader, seed, decode, signal }: EvaluationOptions<Model, Batch>,
): Promise<Metrics> {
  const { decoding } = objective;
  if (decode && !decoding)
    throw new HeedError('UNSUPPORTED', 'This objective decodes nothing', {
      culprit: 'decode',
      cure: 'Give it `decoding`: generating({ tokenizer }), for one',
    });
  const sums = new Map<string, number>();
  const [hypotheses, references]: [string[], string[]] = [[], []];
  let number = 0;
  model.eval();
  for await (const batch of loader.epoch(0)) {
    try {
      const exercise = objective.prepare(model, batch, new Random(seed, 'evaluation', number));
      const found = await model.engine.run(() => atOnce(() => exercise.sums()), signal);
      for (const [name, value] of Object.entries(found)) sums.set(name, (sums.get(name) ?? 0) + value);
      if (decode && decoding) {
        hypotheses.push(...(await decoding.translate(model, batch, { signal })));
        references.push(...decoding.references(batch));
      }
    } catch (error) {
      throw located(error, `Evaluation, batch ${number}${exampleOf(error, loader, 0, number)}`);
    }
    number++;
  }
  if (number === 0) throw empty('validation');
  const metrics = objective.metrics(Object.fromEntries(sums));
  if (!decode) return metrics;
  const tokenize = decoding?.tokenize;
  return { ...metrics, bleu: bleu(hypotheses, references, { tokenize }).score, chrf: chrf(hypotheses, references).score };
}

/** A task of one turn. The event loop has its own before it, if one is due. */
export function* atOnce<T>(work: () => T): Generator<undefined, T> {
  yield;
  return work();
}
