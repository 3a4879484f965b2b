/** heed in the place of a learner (peers/training.ts): the modules, and the loop that docs/training.md shows. */
import { createEngine, type Engine } from 'heed';
import { Embedding, Linear, Module, Transformer } from 'heed/nn';
import { crossEntropy, type Tensor, tensor, valueAndGrad } from 'heed/ops';
import { AdamW } from 'heed/train';
import type { Mode } from './peak.js';
import type { Learner, TrainingSize, TrainingTask } from './peers/training.js';

export class Translator extends Module {
  readonly #source: Embedding;
  readonly #target: Embedding;
  readonly #transformer: Transformer;
  readonly #out: Linear;

  constructor(engine: Engine, { C, H, L, F, V }: TrainingSize) {
    super(engine);
    this.#source = this.child('source', new Embedding(engine, V, C));
    this.#target = this.child('target', new Embedding(engine, V, C));
    const sizes = { dModel: C, nhead: H, numEncoderLayers: L, numDecoderLayers: L, dimFeedforward: F };
    this.#transformer = this.child('transformer', new Transformer(engine, { ...sizes, dropout: 0, batchFirst: true }));
    this.#out = this.child('out', new Linear(engine, C, V));
  }

  forward(source: Tensor, target: Tensor): Tensor {
    const x = this.#transformer.forward(this.#source.forward(source), this.#target.forward(target), { tgt: { isCausal: true } });
    return this.#out.forward(x);
  }
}

export async function openLearner({ size, weights, batch, lr, threads }: TrainingTask, mode: Mode, wide = false): Promise<Learner> {
  const engine = await createEngine({ threads, wide, deterministic: mode === 'plain' });
  if (engine.info.threads !== threads || engine.info.wide !== wide) throw new Error(`heed runs with ${JSON.stringify(engine.info)}`);
  const model = new Translator(engine, size);
  model.loadStateDict(weights);
  model.train();
  const optimizer = new AdamW(model.namedParameters(), { lr });
  const used = { cpu: 0, steps: 0 };
  const ids = (numbers: Int32Array) => tensor(engine, numbers, [size.B, size.T]);
  return {
    name: `heed ${mode}`,
    version: process.env.npm_package_version ?? '',
    options: `${engine.info.simd} SIMD${wide ? ' of 256 bits' : ''}, threads ${engine.info.threads}`,
    used,
    step() {
      const before = process.cpuUsage();
      const loss = valueAndGrad(engine, () => crossEntropy(model.forward(ids(batch.source), ids(batch.target)), ids(batch.next)));
      optimizer.step();
      optimizer.zeroGrad();
      const { user, system } = process.cpuUsage(before);
      used.cpu += (user + system) / 1e3;
      used.steps++;
      return loss;
    },
    close: () => engine.dispose(),
  };
}
