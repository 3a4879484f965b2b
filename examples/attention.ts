/**
 * Multi-head attention out of ops, as "Attention Is All You Need" (Vaswani et al. 2017, §3.2) writes it, and the picture of what
 * each head attends to. At the end it is compared with nn.MultiheadAttention, which does the same in fewer passes.
 *
 *   node scripts/run.mjs examples/attention.ts
 */
import { createEngine, type Engine } from 'heed';
import { MultiheadAttention } from 'heed/nn';
import { linear, matmul, narrow, reshape, scale, softmax, type Tensor, tensor, transpose, unflatten } from 'heed/ops';

type Weights = Record<string, { data: Float32Array; dims: readonly number[] }>;
const [C, HEADS] = [32, 4];

/** MultiHead(X) = Concat(head_1 … head_H) W_O,  head_h = softmax(Q_h K_hᵀ / √d_k) V_h:  x [T, C] → output [T, C], weights [H, T, T]. */
export function multiHead(engine: Engine, x: Tensor, state: Weights): { output: Tensor; weights: Tensor } {
  return engine.scope(() => {
    const weight = (name: string) => tensor(engine, state[name]?.data ?? [], state[name]?.dims);
    const [w, b] = [weight('in_proj_weight'), weight('in_proj_bias')]; // W_Q, W_K, W_V, one below the other
    const [q, k, v] = [0, C, 2 * C].map((row) => {
      const projected = linear(x, narrow(w, 0, row, C), narrow(b, 0, row, C));
      return transpose(unflatten(projected, -1, [HEADS, -1]), 0, 1); // [H, T, d_k]
    }) as [Tensor, Tensor, Tensor];
    const scores = scale(matmul(q, k, { transposeB: true }), 1 / Math.sqrt(C / HEADS));
    const weights = softmax(scores);
    const concatenated = reshape(transpose(matmul(weights, v), 0, 1), x.shape);
    return { output: linear(concatenated, weight('out_proj.weight'), weight('out_proj.bias')), weights };
  });
}

/** One square per head: a row per query, a shade per key. */
export function draw(weights: Tensor): string {
  const heads = weights.toHost().tolist() as number[][][];
  const shade = (w: number, row: number[]) => ' ░▒▓█'[Math.round((4 * w) / Math.max(...row))]?.repeat(2);
  const lines = heads[0]?.map((_, t) => heads.map((head) => head[t]?.map((w, _, row) => shade(w, row)).join('')).join('   ')) ?? [];
  return [heads.map((head, h) => `head ${h + 1}`.padEnd(2 * head.length)).join('   '), ...lines].join('\n');
}

const noise = (dims: readonly number[]) => Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => Math.random() - 0.5);
const engine = await createEngine();
const module = new MultiheadAttention(engine, C, HEADS, { batchFirst: true });
const state: Weights = Object.fromEntries(
  [...module.namedParameters()].map(([name, { shape }]) => [name, { data: noise(shape), dims: shape }]),
);
module.loadStateDict(state);

const T = 9;
const x = tensor(engine, noise([T, C]), [T, C]);
const { output, weights } = multiHead(engine, x, state);
console.log(draw(weights));
const batch = reshape(x, [1, T, C]);
const expected = module.forward(batch, batch, batch).output.toHost().data;
const apart = Math.max(...output.toHost().data.map((y, i) => Math.abs(y - (expected[i] ?? Number.NaN))));
console.log(`\nlargest difference to nn.MultiheadAttention: ${apart.toExponential(1)}`);
if (!(apart <= 1e-5)) throw new Error('they are not the same');
await engine.dispose();
