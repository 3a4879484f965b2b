/** A group of attentions as the page works with it: weights by layer and head, decoded when they are first looked at, and the mean of the heads of a layer. */
import { type CodeName, codes, decode, type GroupData, type PageData } from '../codes.js';

export interface Head {
  /** Weights [T, S]. */
  readonly weights: Float32Array;
  readonly most: number;
}

export class Group {
  readonly queries: readonly string[];
  readonly keys: readonly string[];
  readonly name: string;
  /** Names of the tokens of the queries, and of the keys. */
  readonly sides: { readonly queries: string; readonly keys: string };
  readonly layers: number;
  readonly heads: number;
  readonly #code: CodeName;
  #text: string;
  /** Heads by [layer][head]; the last of a layer is the mean of the others. */
  #all: Head[][] | undefined;

  constructor(data: GroupData, tokens: PageData['tokens']) {
    this.queries = tokens[data.queries];
    this.keys = tokens[data.keys];
    this.name = data.name;
    this.sides = { queries: data.queries, keys: data.keys };
    this.layers = data.layers;
    this.heads = data.heads;
    this.#code = data.code;
    this.#text = data.weights;
  }

  head(layer: number, head: number): Head {
    this.#all ??= this.#decode();
    return this.#all[layer]?.[head] as Head;
  }

  /** Largest weight of all heads. */
  get most(): number {
    this.#all ??= this.#decode();
    return this.#all.flat().reduce((most, head) => Math.max(most, head.most), 0);
  }

  /** Head whose weights are most concentrated: those with the least entropy, averaged over the queries. */
  get clearest(): { layer: number; head: number } {
    let best = { layer: 0, head: 0, entropy: Number.POSITIVE_INFINITY };
    for (let layer = 0; layer < this.layers; layer++)
      for (let head = 0; head < this.heads; head++) {
        const entropy = entropyOf(this.head(layer, head).weights);
        if (entropy < best.entropy) best = { layer, head, entropy };
      }
    return { layer: best.layer, head: best.head };
  }

  /** Name of a head: "head 3", or the mean. */
  headName(head: number): string {
    return head === this.heads ? 'mean of the heads' : `head ${head + 1}`;
  }

  /** Text of a weight, as precise as its code. */
  show(weight: number): string {
    return codes[this.#code].show(weight);
  }

  #decode(): Head[][] {
    const size = this.queries.length * this.keys.length;
    const flat = decode(this.#text, this.#code);
    this.#text = '';
    return Array.from({ length: this.layers }, (_, l) => {
      const heads = Array.from({ length: this.heads }, (_, h) => {
        const from = (l * this.heads + h) * size;
        return flat.subarray(from, from + size);
      });
      const mean = new Float32Array(size);
      for (const weights of heads) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (weights[i] as number) / this.heads;
      return [...heads, mean].map((weights) => ({ weights, most: largest(weights) }));
    });
  }
}

/** Entropy of the weights, summed over all rows, in nats. */
function entropyOf(weights: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) > 0) sum -= (weights[i] as number) * Math.log(weights[i] as number);
  return sum;
}

function largest(weights: Float32Array): number {
  let most = 0;
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) > most) most = weights[i] as number;
  return most;
}
