/**
 * Writes a Transformer encoder as an ONNX file, so that onnxruntime-web can be handed the very weights that heed gets,
 * at any size. The graph is the one that PyTorch exports, in the operators that onnxruntime fuses best; `attention`
 * chooses how attention is spelt, because which spelling is fastest is for the peer's own measurements to say
 * (onnxruntime.ts).
 */
import { Graph, type Value } from './onnx-graph.js';
import { type Encoder, type LayerWeights, weight } from './types.js';

/** 'ops': matmul, softmax, matmul.  'fused': onnxruntime's own com.microsoft.Attention. */
export type AttentionForm = 'ops' | 'fused';

/** PyTorch keeps a linear layer's weight as [N, K]; ONNX multiplies by [K, N]. */
function transpose(data: Float32Array, N: number, K: number): Float32Array {
  const out = new Float32Array(N * K);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) out[k * N + n] = data[n * K + k] as number;
  return out;
}

/** What a layer is told beside its weights. */
export interface LayerChoices {
  heads: number;
  form: AttentionForm;
  eps: number;
  /** Tokens of each row that are not padding, [B] int32: for 'fused' alone. Default: all. */
  lengths?: string;
}

export function addLayer(graph: Graph, x: string, w: LayerWeights, { heads, form, eps, lengths }: LayerChoices): string {
  const C = weight(w, 'norm1.weight').data.length;
  const D = C / heads;
  const vector = (name: string) => graph.constant(weight(w, name).data, weight(w, name).dims);
  const matrix = (data: Float32Array, N: number, K: number) => graph.constant(transpose(data, N, K), [K, N]);
  const linear = (input: string, name: string) => {
    const { data, dims } = weight(w, `${name}.weight`);
    const product = graph.op('MatMul', [input, matrix(data, dims[0] as number, dims[1] as number)]);
    return graph.op('Add', [product, vector(`${name}.bias`)]);
  };
  const norm = (input: string, name: string) =>
    graph.op('LayerNormalization', [input, vector(`${name}.weight`), vector(`${name}.bias`)], { axis: 2, epsilon: { float: eps } });

  const qkv = weight(w, 'self_attn.in_proj_weight').data;
  const qkvBias = weight(w, 'self_attn.in_proj_bias').data;
  const attend = {
    fused: () => {
      const inputs = [x, matrix(qkv, 3 * C, C), graph.constant(qkvBias, [3 * C]), ...(lengths ? [lengths] : [])];
      return graph.op('Attention', inputs, { num_heads: heads }, 'com.microsoft');
    },
    ops: () => {
      const part = (i: number) => {
        const product = graph.op('MatMul', [x, matrix(qkv.subarray(i * C * C, (i + 1) * C * C), C, C)]);
        const biased = graph.op('Add', [product, graph.constant(qkvBias.subarray(i * C, (i + 1) * C), [C])]);
        return graph.op('Reshape', [biased, graph.shape(0, 0, heads, D)]);
      };
      const q = graph.op('Transpose', [part(0)], { perm: [0, 2, 1, 3] });
      const kTransposed = graph.op('Transpose', [part(1)], { perm: [0, 2, 3, 1] });
      const v = graph.op('Transpose', [part(2)], { perm: [0, 2, 1, 3] });
      const scores = graph.op('Mul', [graph.op('MatMul', [q, kTransposed]), graph.constant(Float32Array.of(1 / Math.sqrt(D)), [])]);
      const mixed = graph.op('MatMul', [graph.op('Softmax', [scores], { axis: 3 }), v]);
      return graph.op('Reshape', [graph.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }), graph.shape(0, 0, C)]);
    },
  } as const;

  const attended = norm(graph.op('Add', [x, linear(attend[form](), 'self_attn.out_proj')]), 'norm1');
  const hidden = graph.op('Gelu', [linear(attended, 'linear1')]);
  return norm(graph.op('Add', [attended, linear(hidden, 'linear2')]), 'norm2');
}

export function onnxModel({ heads, layers }: Encoder, attention: AttentionForm): Uint8Array {
  const first = layers[0];
  if (!first) throw new Error('an encoder needs at least one layer');
  const graph = new Graph();
  const y = layers.reduce((x, layer) => addLayer(graph, x, layer, { heads, form: attention, eps: 1e-5 }), 'x');
  const states = (name: string): Value => ({ name, type: 'float32', dims: ['B', 'T', weight(first, 'norm1.weight').data.length] });
  return graph.model([states('x')], states(y));
}
