/**
 * A group of attentions as the page works with it: weights by layer and head, read when they are first looked at, the mean of the heads of a layer, and, of tokens that look at
 * each other, the rollout up to it.
 */
import type { GroupData, PageData } from '../codes.js';

/** A group of attentions without its weights. */
export type GroupShape = Omit<GroupData, 'code' | 'weights'>;

/** Tokens up to which attention is rolled out, which takes their third power. */
const MOST_ROLLED = 320;
/** Share of a head's weights above which one key has nearly all. */
const MOST_SHARE = 0.5;

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
  /** Pictures of a layer: its heads, their mean, and the rollout. */
  readonly columns: number;
  /** Heads by [layer][head]; behind them the mean of the layer's heads, and the rollout. */
  #all: Head[][] | undefined;

  /** `read` gives the weights [L, H, T, S], `show` a weight as a text, as precisely as it is known. */
  constructor(
    data: GroupShape,
    tokens: PageData['tokens'],
    private readonly read: () => Float32Array,
    readonly show: (weight: number) => string,
  ) {
    this.queries = tokens[data.queries];
    this.keys = tokens[data.keys];
    this.name = data.name;
    this.sides = { queries: data.queries, keys: data.keys };
    this.layers = data.layers;
    this.heads = data.heads;
    this.columns = data.heads + (data.queries === data.keys && this.keys.length <= MOST_ROLLED ? 2 : 1);
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

  /**
   * Head whose weights are most concentrated: those with the least entropy, averaged over the queries. Heads whose queries nearly all look at one and the same key, as many of
   * language models do at the first, tell little, and are taken where there are no others.
   */
  get clearest(): { layer: number; head: number } {
    let best = { layer: 0, head: 0, isSink: true, entropy: Number.POSITIVE_INFINITY };
    for (let layer = 0; layer < this.layers; layer++)
      for (let head = 0; head < this.heads; head++) {
        const { weights } = this.head(layer, head);
        const [isSink, entropy] = [shareOf(weights, this.keys.length) > MOST_SHARE, entropyOf(weights)];
        if (isSink === best.isSink ? entropy < best.entropy : best.isSink) best = { layer, head, isSink, entropy };
      }
    return { layer: best.layer, head: best.head };
  }

  /** Name of a head: "head 3", or what stands behind the heads. */
  headName(head: number): string {
    return head < this.heads ? `head ${head + 1}` : head === this.heads ? 'mean of the heads' : 'rollout';
  }

  #decode(): Head[][] {
    const size = this.queries.length * this.keys.length;
    const flat = this.read();
    let before: Float32Array | undefined;
    return Array.from({ length: this.layers }, (_, l) => {
      const heads = Array.from({ length: this.heads }, (_, h) => {
        const from = (l * this.heads + h) * size;
        return flat.subarray(from, from + size);
      });
      const mean = new Float32Array(size);
      for (const weights of heads) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (weights[i] as number) / this.heads;
      if (this.columns === this.heads + 2) before = rolled(mean, this.keys.length, before);
      return [...heads, mean, ...(before ? [before] : [])].map((weights) => ({ weights, most: largest(weights) }));
    });
  }
}

/**
 * Attention rollout (Abnar & Zuidema 2020, eq. 1): how much of each token of the first layer has come through to each token of this one. Half of a token's state is its own, which
 * the residual connection brings: R = (A + I) / 2 · R of the layer before, A [T, T] being the mean of the heads.
 */
function rolled(mean: Float32Array, T: number, before: Float32Array | undefined): Float32Array {
  const out = new Float32Array(T * T);
  for (let t = 0; t < T; t++)
    for (let k = 0; k < T; k++) {
      const weight = 0.5 * ((mean[t * T + k] as number) + Number(t === k));
      if (!before) out[t * T + k] = weight;
      else if (weight) for (let s = 0; s < T; s++) out[t * T + s] = (out[t * T + s] as number) + weight * (before[k * T + s] as number);
    }
  return out;
}

/** Share of all weights [T, S] that the key with most of them has. */
function shareOf(weights: Float32Array, S: number): number {
  const sums = new Float32Array(S);
  for (let i = 0; i < weights.length; i++) sums[i % S] = (sums[i % S] as number) + (weights[i] as number);
  return (largest(sums) * S) / weights.length;
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
