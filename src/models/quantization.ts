/**
 * Weights in 8 bits or 4: the dtype that config.json says of the checkpoint, and the `dtype` asked for on loading. In a q8 checkpoint a matrix that
 * products read, or a table, is `name` int8 [N, K] with `name.scale` float16 [N, ⌈K/32⌉]; in a q4 one it is the same, or `name` [N, 20 K/32] bytes: blocks of GGUF's Q4_1. Everything
 * else is as in other checkpoints.
 */
import { BLOCK } from '../engine/kernels.generated.js';
import { HeedError, kindOf } from '../errors.js';
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import type { CheckpointEntry } from '../io/weights.js';
import { floats, type Sources } from '../nn/formats/sources.js';
import type { Module } from '../nn/module.js';
import type { ParameterDtype } from '../nn/parameter.js';
import type { WeightDtype } from '../tensor.js';

/** The bits that config.json's quantization_config may tell. */
const bitsOf = { q8: 8, q4: 4 } as const;

/** config.json's quantization_config of a quantized checkpoint; undefined for floats. */
export const quantizationConfig = (dtype: ParameterDtype): { quant_method: 'heed'; bits: 8 | 4; group_size: 32 } | undefined =>
  dtype === 'float32' ? undefined : { quant_method: 'heed', bits: bitsOf[dtype], group_size: BLOCK };

/** Values of `from_pretrained`'s `dtype`. Absent: the checkpoint's dtype. */
export const pretrainedDtypes = ['fp32', 'q8', 'q4'] as const;
export type PretrainedDtype = (typeof pretrainedDtypes)[number];

/** What `from_pretrained` takes for `embedding_dtype`. */
export const embeddingDtypes = ['q8', 'q4'] as const;
export type EmbeddingDtype = (typeof embeddingDtypes)[number];

export interface WeightForms {
  /** Dtype of matrices and tables by config.json: floats; int8 with scales; or, for some of them, blocks of 4 bits. */
  stored: ParameterDtype;
  /** Dtype in the engine: all in float32; rounded to 8 bits, or to 4, where a tensor has more; or, undefined, each as its file has it. */
  kept: ParameterDtype | undefined;
  /** Where 4 bits are asked for: those of tables and outputs. Default 'q8'. */
  embeddings?: EmbeddingDtype | undefined;
  /** What tensors may be, by the kinds that files name. */
  sources: Sources;
}

/** Throws UNSUPPORTED for a value that is no dtype of from_pretrained. */
export function checkDtype(dtype: unknown): asserts dtype is PretrainedDtype | undefined {
  if (dtype === undefined || pretrainedDtypes.includes(dtype as PretrainedDtype)) return;
  throw new HeedError('UNSUPPORTED', `There is no dtype ${kindOf(dtype)}`, {
    culprit: 'dtype',
    cure: `Use one of ${pretrainedDtypes.map((name) => `'${name}'`).join(', ')}`,
  });
}

/** Throws ARGUMENT for what is no `embedding_dtype`, or has no effect beside this dtype. */
export function checkEmbeddingDtype(
  where: string,
  dtype: string | undefined,
  embeddings: unknown,
): asserts embeddings is EmbeddingDtype | undefined {
  if (embeddings === undefined) return;
  const bad = (what: string, cure: string) =>
    new HeedError('ARGUMENT', `${where}: embedding_dtype ${what}`, { culprit: 'embedding_dtype', cure });
  if (!embeddingDtypes.includes(embeddings as EmbeddingDtype))
    throw bad(`is ${kindOf(embeddings)}`, `It is one of ${embeddingDtypes.join(', ')}`);
  if (dtype !== 'q4') throw bad(`would have no effect beside dtype ${kindOf(dtype)}`, "Give it with dtype 'q4'");
}

/** With 'q8' or 'q4', what has more bits is rounded while it loads, and what has fewer stays what it is; with 'fp32' all is widened. Throws UNSUPPORTED, FORMAT. */
export function weightForms(
  config: JsonNode,
  dtype: string | undefined,
  sources: Sources = floats,
  embeddings?: EmbeddingDtype,
): WeightForms {
  checkDtype(dtype);
  return { stored: storedDtype(config), kept: dtype && kept[dtype], embeddings, sources };
}

/** Dtypes of whole models as those of parameters. */
export const kept: Readonly<Record<PretrainedDtype, ParameterDtype>> = { fp32: 'float32', q8: 'q8', q4: 'q4' };

/** Dtype of a checkpoint's matrices and tables, by its headers: of several, that of the fewest bits. */
export function storedAs({ stored, sources }: WeightForms, tensors: readonly CheckpointEntry[]): PretrainedDtype {
  return fewest([stored, ...tensors.map(({ dtype }) => sources[dtype]?.format?.dtype ?? 'float32')]);
}

/** Dtype of a model's matrices and tables: of several, that of the fewest bits. */
export function heldIn(module: Module): PretrainedDtype {
  return fewest([...module.namedParameters()].map(([, { dtype }]) => dtype));
}

function fewest(dtypes: readonly WeightDtype[]): PretrainedDtype {
  return (['q4', 'q8'] as const).find((dtype) => dtypes.includes(dtype)) ?? 'fp32';
}

function storedDtype(config: JsonNode): ParameterDtype {
  if (config.get('quantization_config') === undefined) return 'float32';
  const given = config.object('quantization_config');
  const method = given.string('quant_method');
  const dtype = given.get('bits') === bitsOf.q4 ? 'q4' : 'q8';
  const own: Readonly<Record<string, unknown>> = { ...quantizationConfig(dtype) };
  const other = [...new Set([...Object.keys(own), ...Object.keys(given.value)])].find((key) => given.get(key) !== own[key]);
  if (other === undefined) return dtype;
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no quantization ${quote(method)} with this ${quote(other)}`, {
    culprit: 'quantization_config',
    cure: `It loads ${JSON.stringify(quantizationConfig('q8'))}, the same with 4 bits, and float checkpoints, which { dtype: 'q8' } rounds`,
  });
}
