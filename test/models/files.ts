/**
 * Model folders for tests, in memory: the tiny BERT of test/fixtures to change at will, models of any other size with random
 * weights, and safetensors files in every element type that heed reads.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Engine, type EngineOptions } from '../../dist/engine/engine.js';
import { bert, registerArchitecture } from '../../dist/entry/node.js';
import { EncoderModel, type Model } from '../../dist/models/model.js';
import type { PretrainedOptions } from '../../dist/models/options.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { Random } from '../cases/random.js';
import { file, memoryRuntime } from '../io/memory.js';

export interface Weight {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}
export type Weights = Record<string, Weight>;
export type Files = Record<string, Uint8Array | string>;
export type Config = Record<string, unknown>;

export const tinyPath = fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url));

/** The tensors of a safetensors file. */
export function readWeights(bytes: Uint8Array): Weights {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const { __metadata__, ...header } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const entries = Object.entries(header as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>);
  return Object.fromEntries(
    entries.map(([name, { dtype, shape, data_offsets }]) => {
      const [begin, end] = data_offsets.map((offset) => offset + 8 + length);
      return [name, { dtype, shape, bytes: new Uint8Array(bytes.subarray(begin, end)) }];
    }),
  );
}

/** A safetensors file of these tensors. */
export function writeWeights(weights: Weights): Uint8Array {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(weights).map(([name, { dtype, shape, bytes }]) => {
      const begin = at;
      at += bytes.length;
      return [name, { dtype, shape, data_offsets: [begin, at] }];
    }),
  );
  return file(header, Buffer.concat(Object.values(weights).map(({ bytes }) => bytes)));
}

export const numbersOf = ({ bytes }: Weight): Float32Array => new Float32Array(bytes.slice().buffer);
export const weightOf = (data: Float32Array, shape: readonly number[]): Weight => ({
  ...{ dtype: 'F32', shape, bytes: new Uint8Array(data.slice().buffer) },
});

const text = (name: string): string => readFileSync(join(tinyPath, name), 'utf8');
const jsonFiles = readdirSync(tinyPath, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.json') && name !== 'expected.json');

export const tinyConfig = (): Config => JSON.parse(text('config.json'));
export const tinyWeights = (): Weights => readWeights(readFileSync(join(tinyPath, 'model.safetensors')));
export const tinyExpected = (): Weights => readWeights(readFileSync(join(tinyPath, 'expected.safetensors')));

/** The folder `m` with a tiny BERT in it, tokenizer and all, whose config and weights are changed. */
export function tinyFiles(config: Config = {}, weights: Weights = tinyWeights()): Files {
  const files: Files = Object.fromEntries(jsonFiles.map((name) => [`m/${name}`, text(name)]));
  files['m/config.json'] = JSON.stringify({ ...tinyConfig(), ...config });
  files['m/model.safetensors'] = writeWeights(weights);
  return files;
}

export interface Size {
  C: number;
  H: number;
  F: number;
  L: number;
  V: number;
  positions: number;
  activation?: string;
}

/** The config and random weights of a BERT of any size. */
export function randomBert({ C, H, F, L, V, positions, activation = 'gelu' }: Size, seed = 1): { config: Config; weights: Weights } {
  const random = new Random(seed);
  const weights: Weights = {};
  const put = (name: string, shape: number[], spread: number, centre = 0) => {
    weights[name] = weightOf(random.floats(shape, spread, centre).data, shape);
  };
  const linear = (name: string, N: number, K: number) => {
    put(`${name}.weight`, [N, K], Math.sqrt(3 / K));
    put(`${name}.bias`, [N], 0.3);
  };
  const norm = (name: string) => {
    put(`${name}.weight`, [C], 0.3, 1);
    put(`${name}.bias`, [C], 0.3);
  };
  for (const [name, rows] of Object.entries({ word: V, position: positions, token_type: 2 }))
    put(`embeddings.${name}_embeddings.weight`, [rows, C], 1);
  norm('embeddings.LayerNorm');
  for (let l = 0; l < L; l++) {
    const layer = `encoder.layer.${l}`;
    for (const part of ['query', 'key', 'value']) linear(`${layer}.attention.self.${part}`, C, C);
    linear(`${layer}.attention.output.dense`, C, C);
    norm(`${layer}.attention.output.LayerNorm`);
    linear(`${layer}.intermediate.dense`, F, C);
    linear(`${layer}.output.dense`, C, F);
    norm(`${layer}.output.LayerNorm`);
  }
  linear('pooler.dense', C, C);
  const sizes = { hidden_size: C, num_attention_heads: H, intermediate_size: F, num_hidden_layers: L, vocab_size: V };
  const config = {
    model_type: 'bert',
    ...sizes,
    max_position_embeddings: positions,
    type_vocab_size: 2,
    layer_norm_eps: 1e-3,
    hidden_act: activation,
  };
  return { config, weights };
}

export const bertFiles = ({ config, weights }: { config: Config; weights: Weights }): Files => ({
  'm/config.json': JSON.stringify(config),
  'm/model.safetensors': writeWeights(weights),
});

/** An engine whose files are these. */
export async function engineOver(files: Files, options: EngineOptions = { threads: 1 }): Promise<Engine> {
  registerArchitecture(bert);
  return Engine.create({ ...nodeRuntime, ...memoryRuntime(files).runtime }, options);
}

/** The model in `m` of these files, on an engine of its own. */
export async function modelOver(files: Files, options: PretrainedOptions = {}, engineOptions?: EngineOptions): Promise<Model> {
  return EncoderModel.load(await engineOver(files, engineOptions), 'm', options);
}
