/**
 * Writes a Transformer encoder as an ONNX file, so that onnxruntime-web can be handed the very weights that heed gets,
 * at any size. The graph is the one that PyTorch exports, in the operators that onnxruntime fuses best; `attention`
 * chooses how attention is spelt, because which spelling is fastest is for the peer's own measurements to say
 * (onnxruntime.ts). Field numbers are those of onnx.proto3.
 */
import { bytes, concat, float, int, text } from './protobuf.js';
import { type Encoder, type LayerWeights, weight } from './types.js';

/** 'ops': matmul, softmax, matmul.  'fused': onnxruntime's own com.microsoft.Attention. */
export type AttentionForm = 'ops' | 'fused';

type Attribute = number | number[] | { float: number };

const elementType = { float32: 1, int64: 7 } as const;

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return bytes(5, text(1, name), int(3, value), int(20, 2));
  if (Array.isArray(value)) return bytes(5, text(1, name), ...value.map((v) => int(8, v)), int(20, 7));
  return bytes(5, text(1, name), float(2, value.float), int(20, 1));
}

/** A graph that grows: every call of `op` adds a node and names its output. */
class Graph {
  readonly #nodes: Uint8Array[] = [];
  readonly #constants: Uint8Array[] = [];
  #count = 0;

  op(type: string, inputs: string[], attributes: Record<string, Attribute> = {}, domain = ''): string {
    const output = `${type}_${this.#count++}`;
    this.#nodes.push(
      bytes(
        1,
        ...inputs.map((name) => text(1, name)),
        text(2, output),
        text(3, output),
        text(4, type),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        text(7, domain),
      ),
    );
    return output;
  }

  constant(data: Float32Array | BigInt64Array, dims: number[]): string {
    const name = `constant_${this.#count++}`;
    const type = data instanceof Float32Array ? elementType.float32 : elementType.int64;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.push(bytes(5, ...dims.map((d) => int(1, d)), int(2, type), text(8, name), bytes(9, raw)));
    return name;
  }

  shape(...dims: number[]): string {
    return this.constant(BigInt64Array.from(dims, BigInt), [dims.length]);
  }

  /** x [B, T, C] -> y [B, T, C], batch and length free. */
  model(C: number, y: string): Uint8Array {
    const dim = (value: string | number) => bytes(1, typeof value === 'string' ? text(2, value) : int(1, value));
    const value = (field: number, name: string) =>
      bytes(field, text(1, name), bytes(2, bytes(1, int(1, elementType.float32), bytes(2, dim('B'), dim('T'), dim(C)))));
    const graph = [...this.#nodes, text(2, 'encoder'), ...this.#constants, value(11, 'x'), value(12, y)];
    const opset = (domain: string, version: number) => bytes(8, text(1, domain), int(2, version));
    return concat([int(1, 9), bytes(7, ...graph), opset('', 20), opset('com.microsoft', 1)]);
  }
}

/** PyTorch keeps a linear layer's weight as [N, K]; ONNX multiplies by [K, N]. */
function transpose(data: Float32Array, N: number, K: number): Float32Array {
  const out = new Float32Array(N * K);
  for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) out[k * N + n] = data[n * K + k] as number;
  return out;
}

function addLayer(graph: Graph, x: string, w: LayerWeights, heads: number, form: AttentionForm): string {
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
    graph.op('LayerNormalization', [input, vector(`${name}.weight`), vector(`${name}.bias`)], { axis: 2, epsilon: { float: 1e-5 } });

  const qkv = weight(w, 'self_attn.in_proj_weight').data;
  const qkvBias = weight(w, 'self_attn.in_proj_bias').data;
  const attend = {
    fused: () => graph.op('Attention', [x, matrix(qkv, 3 * C, C), graph.constant(qkvBias, [3 * C])], { num_heads: heads }, 'com.microsoft'),
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
  const y = layers.reduce((x, layer) => addLayer(graph, x, layer, heads, attention), 'x');
  return graph.model(weight(first, 'norm1.weight').data.length, y);
}
