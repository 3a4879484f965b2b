/** The model: a Transformer (Vaswani et al. 2017) that reads a date's characters and writes those of its ISO date, one after the other. */
import type { Engine } from 'heed';
import { Embedding, Linear, Module, sinusoids, Transformer } from 'heed/nn';
import { add, type Tensor } from 'heed/ops';

const C = 64;
const sizes = { dModel: C, nhead: 4, numEncoderLayers: 2, numDecoderLayers: 1, dimFeedforward: 256, batchFirst: true, normFirst: true };

export class DateReader extends Module {
  readonly #embedding: Embedding;
  readonly #transformer: Transformer;
  readonly #out: Linear;

  /** `V`: how many characters there are. */
  constructor(engine: Engine, V: number) {
    super(engine);
    this.#embedding = this.child('embedding', new Embedding(engine, V, C));
    this.#transformer = this.child('transformer', new Transformer(engine, { ...sizes, dropout: 0 }));
    this.#out = this.child('out', new Linear(engine, C, V));
  }

  /** source [B, S], target [B, T], the sources' lengths → logits [B, T, V]: what comes after each of the target's characters. */
  forward(source: Tensor, target: Tensor, lengths: readonly number[]): Tensor {
    return this.decode(this.encode(source, lengths), target, lengths);
  }

  /** [B, S] → [B, S, C] */
  encode(source: Tensor, lengths: readonly number[]): Tensor {
    return this.#transformer.encoder.forward(this.#embed(source), { lengths });
  }

  /** `onWeights` hears where the decoder looked: [B, H, T, S]. */
  decode(memory: Tensor, target: Tensor, lengths: readonly number[], onWeights?: (weights: Tensor) => void): Tensor {
    const masks = { tgt: { isCausal: true }, memory: { lengths, onWeights } };
    return this.#out.forward(this.#transformer.decoder.forward(this.#embed(target), memory, masks));
  }

  #embed(ids: Tensor): Tensor {
    return add(this.#embedding.forward(ids), sinusoids(this.engine, ids.dim(1), C));
  }
}

/** The likeliest token at every place: logits [B, T, V] → [B][T]. */
export function likeliest(logits: Tensor): number[][] {
  const { data, dims } = logits.toHost();
  const [B = 0, T = 0, V = 0] = dims;
  const best = (from: number) => {
    let id = 0;
    for (let v = 1; v < V; v++) if ((data[from + v] as number) > (data[from + id] as number)) id = v;
    return id;
  };
  return Array.from({ length: B }, (_, b) => Array.from({ length: T }, (_, t) => best((b * T + t) * V)));
}
