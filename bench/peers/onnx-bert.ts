/**
 * A BERT of sentence-transformers (all-MiniLM-L6-v2) as an ONNX file, made of the folder's own safetensors, so that onnxruntime-web gets the very weights that
 * heed gets. The graph has the inputs of the usual export and the operators that onnxruntime.transformers' optimizer fuses one into (EmbedLayerNormalization,
 * Attention; SkipLayerNormalization and BiasGelu are fused at load).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementType, Graph, type Value } from './onnx-graph.js';
import { addLayer } from './onnx-model.js';
import type { LayerWeights, Weight } from './types.js';

type Find = (name: string) => Weight;

/** float32 tensors of a safetensors file by name: 8 bytes of length, a header in JSON, the data. */
function readSafetensors(path: string): Find {
  const file = readFileSync(path);
  const base = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, base)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return (name) => {
    const entry = header[name];
    if (entry?.dtype !== 'F32') throw new Error(`${path} has no float32 tensor ${name}`);
    const [begin, end] = entry.data_offsets;
    return { data: new Float32Array(new Uint8Array(file.subarray(base + begin, base + end)).buffer), dims: entry.shape };
  };
}

function layerOf(find: Find, l: number): LayerWeights {
  const part = (name: string, end: string) => find(`encoder.layer.${l}.${name}.${end}`);
  const joined = (end: string): Weight => {
    const parts = ['query', 'key', 'value'].map((name) => part(`attention.self.${name}`, end));
    const [rows = 0, ...rest] = parts[0]?.dims ?? [];
    return { data: Float32Array.from(parts.flatMap(({ data }) => [...data])), dims: [3 * rows, ...rest] };
  };
  const pair = (name: string, source: string) => ({ [`${name}.weight`]: part(source, 'weight'), [`${name}.bias`]: part(source, 'bias') });
  return {
    ...{ 'self_attn.in_proj_weight': joined('weight'), 'self_attn.in_proj_bias': joined('bias') },
    ...pair('self_attn.out_proj', 'attention.output.dense'),
    ...pair('linear1', 'intermediate.dense'),
    ...pair('linear2', 'output.dense'),
    ...pair('norm1', 'attention.output.LayerNorm'),
    ...pair('norm2', 'output.LayerNorm'),
  };
}

/** input_ids, attention_mask, token_type_ids [B, T] int64 → last_hidden_state [B, T, C]. Padding is on the right. */
export function onnxBert(folder: string): Uint8Array {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const { hidden_size: C, num_hidden_layers: L, num_attention_heads: heads, layer_norm_eps: eps, hidden_act } = config;
  if (config.model_type !== 'bert' || hidden_act !== 'gelu') throw new Error(`${folder} holds no BERT with GELU`);
  const find = readSafetensors(join(folder, 'model.safetensors'));
  const graph = new Graph();
  const constant = (name: string) => {
    const { data, dims } = find(`embeddings.${name}`);
    return graph.constant(data, dims);
  };
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name): Value => ({ name, type: 'int64', dims: ['B', 'T'] }));
  const [ids, mask, types] = inputs.map(({ name }) => graph.op('Cast', [name], { to: elementType.int32 })) as [string, string, string];
  const tables = [
    'word_embeddings.weight',
    'position_embeddings.weight',
    'token_type_embeddings.weight',
    'LayerNorm.weight',
    'LayerNorm.bias',
  ];
  const embed = [ids, types, ...tables.map(constant), mask];
  const [embedded, lengths] = graph.ops('EmbedLayerNormalization', 2, embed, { epsilon: { float: eps } }, 'com.microsoft') as [
    string,
    string,
  ];
  let x = embedded;
  for (let l = 0; l < L; l++) x = addLayer(graph, x, layerOf(find, l), { heads, form: 'fused', eps, lengths });
  return graph.model(inputs, { name: x, type: 'float32', dims: ['B', 'T', C] });
}
