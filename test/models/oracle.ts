/**
 * BERT in float64, one example at a time, as the paper writes it: what a forward is measured against where there is no file of
 * PyTorch's. A masked key is one whose score is minus infinity.
 */
import { activations, dot, rowwise, softmax } from '../cases/f64.js';
import { type Config, numbersOf, type Weights } from './files.js';

/** Hugging Face's names of activations, and the oracle's. */
const named = { gelu: 'gelu', gelu_new: 'geluTanh', quick_gelu: 'quickGelu', relu: 'relu', silu: 'silu' } as const;
export const activationNames = Object.keys(named) as (keyof typeof named)[];

export interface Example {
  ids: readonly number[];
  /** 1 for tokens that can be attended to. */
  mask: readonly number[];
  types: readonly number[];
}

export interface Expected {
  /** L + 1 times [T, C]. */
  hidden: Float64Array[];
  /** L times [H, T, T]. */
  attentions: Float64Array[];
  /** [C] */
  pooled: Float64Array;
}

export function forward(config: Config, weights: Weights, { ids, mask, types }: Example): Expected {
  const numbers = new Map(Object.entries(weights).map(([name, weight]) => [name, numbersOf(weight)]));
  const get = (name: string) => numbers.get(name) as Float32Array;
  const { hidden_size: C, num_attention_heads: H, num_hidden_layers: L, layer_norm_eps: eps = 1e-12 } = config as Record<string, number>;
  const D = (C as number) / (H as number);
  const T = ids.length;
  const activation = activations[named[config.hidden_act as keyof typeof named]];

  const norm = (x: Float64Array, name: string) =>
    rowwise(x, C as number, (row) => {
      const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
      const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
      return row.map((v, c) => ((v - mean) / Math.sqrt(variance + (eps as number))) * (weight[c] as number) + (bias[c] as number));
    });
  const linear = (x: Float64Array, name: string) => {
    const [weight, bias] = [get(`${name}.weight`), get(`${name}.bias`)];
    const [N, K] = [bias.length, weight.length / bias.length];
    return Float64Array.from({ length: (x.length / K) * N }, (_, i) => {
      const [row, n] = [Math.floor(i / N), i % N];
      return dot(x, row * K, weight, n * K, K) + (bias[n] as number);
    });
  };
  const plus = (a: Float64Array, b: Float64Array) => a.map((v, i) => v + (b[i] as number));

  const row = (table: string, index: number, c: number) =>
    get(`embeddings.${table}_embeddings.weight`)[index * (C as number) + c] as number;
  const embedded = Float64Array.from({ length: T * (C as number) }, (_, i) => {
    const [t, c] = [Math.floor(i / (C as number)), i % (C as number)];
    return row('word', ids[t] as number, c) + row('position', t, c) + row('token_type', types[t] as number, c);
  });

  const attention = (x: Float64Array, layer: string) => {
    const [q, k, v] = ['query', 'key', 'value'].map((part) => linear(x, `${layer}.attention.self.${part}`)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const weights = new Float64Array((H as number) * T * T);
    const joined = new Float64Array(T * (C as number));
    for (let h = 0; h < (H as number); h++)
      for (let t = 0; t < T; t++) {
        const scores = Float64Array.from({ length: T }, (_, s) =>
          mask[s] ? dot(q, t * (C as number) + h * D, k, s * (C as number) + h * D, D) / Math.sqrt(D) : Number.NEGATIVE_INFINITY,
        );
        const p = softmax(scores);
        weights.set(p, (h * T + t) * T);
        for (let d = 0; d < D; d++) joined[t * (C as number) + h * D + d] = dot(p, 0, v, h * D + d, T, C);
      }
    return { weights, joined };
  };

  const hidden = [norm(embedded, 'embeddings.LayerNorm')];
  const attentions: Float64Array[] = [];
  for (let l = 0; l < (L as number); l++) {
    const layer = `encoder.layer.${l}`;
    const x = hidden.at(-1) as Float64Array;
    const { weights, joined } = attention(x, layer);
    attentions.push(weights);
    const h = norm(plus(linear(joined, `${layer}.attention.output.dense`), x), `${layer}.attention.output.LayerNorm`);
    const inner = linear(h, `${layer}.intermediate.dense`).map(activation);
    hidden.push(norm(plus(linear(inner, `${layer}.output.dense`), h), `${layer}.output.LayerNorm`));
  }
  const pooled = linear((hidden.at(-1) as Float64Array).subarray(0, C), 'pooler.dense').map(Math.tanh);
  return { hidden, attentions, pooled };
}
