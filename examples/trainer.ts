/**
 * Training with the Trainer: a Transformer learns to write lists of letters backwards, is evaluated as it goes, and stops when it gets no better. Given a folder it
 * keeps checkpoints there: kill it at any moment and run it again, it ends with the same bits. (training.ts is the same loop by hand.)
 *
 *   node scripts/run.mjs examples/trainer.ts [folder]
 */
import { createEngine } from 'heed';
import { Dropout, Embedding, Linear, Module, sinusoids, Transformer } from 'heed/nn';
import { add, type Tensor } from 'heed/ops';
import { AdamW, DataLoader, Random, schedule, sequenceToSequence, Trainer, TranslationDataset } from 'heed/train';

const [PAD, BEGIN, END, LETTERS, C] = [0, 1, 2, 12, 64];

class Reverser extends Module {
  readonly table = this.child('table', new Embedding(this.engine, 3 + LETTERS, C));
  readonly dropout = this.child('dropout', new Dropout(this.engine, 0.05));
  readonly transformer = this.child('transformer', new Transformer(this.engine, { ...sizes, dropout: 0 }));
  readonly out = this.child('out', new Linear(this.engine, C, 3 + LETTERS));

  /** source [B, S], target [B, T], how long the sources are → logits [B, T, V] */
  forward(source: Tensor, target: Tensor, lengths: readonly number[]): Tensor {
    const embed = (ids: Tensor) => this.dropout.forward(add(this.table.forward(ids), sinusoids(this.engine, ids.dim(1), C)));
    const masks = { src: { lengths }, memory: { lengths }, tgt: { isCausal: true } };
    return this.out.forward(this.transformer.forward(embed(source), embed(target), masks));
  }
}
const sizes = { dModel: C, nhead: 4, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 128, batchFirst: true, normFirst: true };

const random = new Random(1);
const draw = (n: number) =>
  Array.from({ length: n }, () => {
    const letters = Array.from({ length: 3 + random.below(5) }, () => 3 + random.below(LETTERS));
    return { source: Int32Array.from([...letters, END]), target: Int32Array.from([BEGIN, ...letters.toReversed(), END]) };
  });
const batches = { batchSize: 64, collate: TranslationDataset.collate(PAD) };
const bucketing = { length: TranslationDataset.lengthOf };

const engine = await createEngine({ deterministic: true });
const model = new Reverser(engine).init(1);
const trainer = new Trainer(model, {
  objective: sequenceToSequence({ pad: PAD, labelSmoothing: 0.05 }),
  optimizer: new AdamW(model.namedParameters(), { lr: 3e-3, weightDecay: 0 }),
  schedule: schedule('cosine', { warmup: 40, steps: 400 }),
  loader: new DataLoader(draw(8000), { ...batches, bucketing, shuffle: true, seed: 1 }),
  validation: new DataLoader(draw(500), batches),
  clip: 1,
});
const { peak } = await trainer.memory();
console.log(`a step takes ${(peak / 2 ** 20).toFixed(1)} MiB`);
const folder = process.argv[2];
if (folder && (await trainer.resume(folder))) console.log(`from step ${trainer.position.step} on`);
const { reason, best } = await trainer.fit({
  ...{ steps: 400, evaluateEvery: 100, earlyStopping: { patience: 2 }, checkpoint: folder ? { folder } : undefined },
  onLog: ({ step, loss, validation: { perplexity = 0, accuracy = 0 } = {} }) =>
    console.log(
      `step ${step}: loss ${loss.toFixed(3)}, perplexity ${perplexity.toFixed(3)}, ${(100 * accuracy).toFixed(1)} % of letters right`,
    ),
});
console.log(`ended by ${reason}; best at step ${best?.step}`);
await engine.dispose();
