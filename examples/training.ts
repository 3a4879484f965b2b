/**
 * Training by hand: a Transformer (Vaswani et al. 2017) learns to write a list of letters backwards. Data set, loader, forward, loss, backward, step, evaluation:
 * nothing is hidden in a trainer.
 *
 *   node scripts/run.mjs examples/training.ts
 */
import { createEngine, tensor } from 'heed';
import { Embedding, Linear, Module, sinusoids, Transformer } from 'heed/nn';
import { add, crossEntropy, type Tensor, valueAndGrad } from 'heed/ops';
import { AdamW, DataLoader, Random, schedule } from 'heed/train';

const [BEGIN, LETTERS, LENGTH, C, EPOCHS] = [0, 12, 6, 64, 3];

class Reverser extends Module {
  readonly table = this.child('table', new Embedding(this.engine, 1 + LETTERS, C));
  readonly transformer = this.child('transformer', new Transformer(this.engine, { ...sizes, batchFirst: true, normFirst: true }));
  readonly out = this.child('out', new Linear(this.engine, C, 1 + LETTERS));

  /** source, target [B, T] → logits [B, T, V]: what comes after each of the target's letters. */
  forward(source: Tensor, target: Tensor): Tensor {
    const embed = (ids: Tensor) => add(this.table.forward(ids), sinusoids(this.engine, ids.dim(1), C));
    return this.out.forward(this.transformer.forward(embed(source), embed(target), { tgt: { isCausal: true } }));
  }
}
const sizes = { dModel: C, nhead: 4, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 128, dropout: 0 };

const engine = await createEngine({ deterministic: true });
const ids = (rows: readonly number[][]) => tensor(engine, Int32Array.from(rows.flat()), [rows.length, LENGTH]);
/** Lists, what the decoder reads, and what it should say. */
const collate = (lists: readonly number[][]) => {
  const labels = lists.map((list) => list.toReversed());
  return { lists, inputs: labels.map((row) => [BEGIN, ...row.slice(0, -1)]), labels };
};
const random = new Random(1);
const draw = (n: number) => Array.from({ length: n }, () => Array.from({ length: LENGTH }, () => 1 + random.below(LETTERS)));
const loader = new DataLoader(draw(8000), { batchSize: 64, shuffle: true, seed: 1, collate });
const unseen = collate(draw(500));

const model = new Reverser(engine).init(1);
const optimizer = new AdamW(model.namedParameters(), { lr: 3e-3, weightDecay: 0 });
const rate = schedule('cosine', { warmup: 40, steps: EPOCHS * (loader.length ?? 0) });
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  model.train();
  let loss = 0;
  for await (const { lists, inputs, labels } of loader.epoch(epoch)) {
    loss = valueAndGrad(engine, () => crossEntropy(model.forward(ids(lists), ids(inputs)), ids(labels)));
    optimizer.step({ factor: rate(optimizer.steps + 1), clip: 1 });
    optimizer.zeroGrad();
  }
  model.eval();
  const { lists, inputs, labels } = unseen;
  const logits = engine.scope(() => model.forward(ids(lists), ids(inputs)).toHost()).tolist() as number[][][];
  const said = logits.map((rows) => rows.map((row) => row.indexOf(Math.max(...row))));
  const right = said.filter((row, i) => row.join() === labels[i]?.join()).length / said.length;
  console.log(
    `epoch ${epoch}: loss ${loss.toFixed(4)}, ${(100 * right).toFixed(1)} % of new lists right, ${lists[0]?.join(' ')} as ${said[0]?.join(' ')}`,
  );
}
await engine.dispose();
