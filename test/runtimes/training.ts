/**
 * Training in deterministic mode: twenty steps of a Transformer that learns to write lists backwards, with dropout, warm-up, clipping and AdamW. Its losses have the
 * same bits in every runtime, for every number of threads.
 */
import type { Engine } from 'heed';
import { Embedding, Linear, Module, sinusoids, Transformer } from 'heed/nn';
import { add, crossEntropy, type Tensor, tensor, valueAndGrad } from 'heed/ops';
import { AdamW, DataLoader, Random, schedule } from 'heed/train';
import { assert, type Checks } from './check.js';
import { Digest } from './fixtures.js';

/** Of all losses and of the trained weights. It changes when kernels compute in another order, or chance is drawn otherwise, and only then. */
const DIGEST = 'abd46124';

const [BEGIN, LETTERS, LENGTH, C, STEPS, SEED] = [0, 9, 5, 32, 20, 1];
const sizes = { dModel: C, nhead: 4, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 64, dropout: 0.1 };

class Reverser extends Module {
  readonly table = this.child('table', new Embedding(this.engine, 1 + LETTERS, C));
  readonly transformer = this.child('transformer', new Transformer(this.engine, { ...sizes, batchFirst: true, normFirst: true }));
  readonly out = this.child('out', new Linear(this.engine, C, 1 + LETTERS));

  forward(source: Tensor, target: Tensor): Tensor {
    const embed = (ids: Tensor) => add(this.table.forward(ids), sinusoids(this.engine, ids.dim(1), C));
    return this.out.forward(this.transformer.forward(embed(source), embed(target), { tgt: { isCausal: true } }));
  }
}

/** The losses of all steps, and the weights that they lead to. */
async function train(engine: Engine): Promise<{ losses: Float32Array; weights: Float32Array[] }> {
  const ids = (rows: readonly number[][]) => tensor(engine, Int32Array.from(rows.flat()), [rows.length, LENGTH]);
  const random = new Random(SEED);
  const lists = Array.from({ length: 320 }, () => Array.from({ length: LENGTH }, () => 1 + random.below(LETTERS)));
  const loader = new DataLoader(lists, { batchSize: 16, shuffle: true, seed: SEED });
  const model = new Reverser(engine).init(SEED);
  const optimizer = new AdamW(model.namedParameters(), { lr: 3e-3 });
  const rate = schedule('cosine', { warmup: 5, steps: STEPS });
  const losses: number[] = [];
  for await (const batch of loader.epoch(0)) {
    const step = losses.length + 1;
    model.train({ seed: SEED, step });
    const labels = batch.map((list) => list.toReversed());
    const inputs = labels.map((row) => [BEGIN, ...row.slice(0, -1)]);
    losses.push(
      valueAndGrad(engine, () => crossEntropy(model.forward(ids([...batch]), ids(inputs)), ids(labels), { labelSmoothing: 0.1 })),
    );
    // The schedule's own first step has a rate of 0.
    optimizer.step({ factor: rate(step + 1), clip: 1 });
    optimizer.zeroGrad();
  }
  return { losses: Float32Array.from(losses), weights: Object.values(model.stateDict()).map(({ data }) => data as Float32Array) };
}

export const trainingChecks: Checks = {
  'twenty steps of training have the same bits for every number of threads': async ({ createEngine }, env) => {
    for (const threads of env.threads ? [1, 2, 4] : [1]) {
      const engine = await createEngine({ deterministic: true, threads, inlineBelow: 0 });
      try {
        const { losses, weights } = await train(engine);
        assert(losses.length === STEPS, `there were ${losses.length} steps`);
        assert((losses.at(-1) as number) < (losses[0] as number), `the loss went from ${losses[0]} to ${losses.at(-1)}`);
        const digest = new Digest();
        for (const values of [losses, ...weights]) digest.add(values);
        assert(digest.hex === DIGEST, `with ${threads} threads, the digest is ${digest.hex}, not ${DIGEST}`);
      } finally {
        await engine.dispose();
      }
    }
  },
};
