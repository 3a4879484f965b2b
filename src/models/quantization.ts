/**
 * Which weights have 8 bits or 4: what config.json says of the checkpoint, and what whoever loads it asks for with `dtype`. In a q8 checkpoint a matrix that
 * products read, or a table, is `name` int8 [N, K] with `name.scale` float16 [N, ⌈K/32⌉]; in a q4 one it is that, or `name` [N, 20 K/32] bytes: blocks of GGUF's Q4_1. Everything
 * else is as in any other.
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

/** What `from_pretrained` takes for `dtype`. Absent: as the checkpoint is. */
export const pretrainedDtypes = ['fp32', 'q8', 'q4'] as const;
export type PretrainedDtype = (typeof pretrainedDtypes)[number];

export interface WeightForms {
  /** What config.json says that matrices and tables are: floats; int8 with scales; or, some of them, blocks of 4 bits. */
  stored: ParameterDtype;
  /** As the engine is to hold them: all in float32; rounded to 8 bits, or to 4, where it has more; or each as its file has it. */
  kept: ParameterDtype | undefined;
  /** What tensors may be, by the kinds that files name. */
  sources: Sources;
}

/** Throws UNSUPPORTED for what is no dtype of from_pretrained. */
export function checkDtype(dtype: unknown): asserts dtype is PretrainedDtype | undefined {
  if (dtype === undefined || pretrainedDtypes.includes(dtype as PretrainedDtype)) return;
  throw new HeedError('UNSUPPORTED', `There is no dtype ${kindOf(dtype)}`, {
    culprit: 'dtype',
    cure: `Use one of ${pretrainedDtypes.map((name) => `'${name}'`).join(', ')}`,
  });
}

/** With 'q8' or 'q4', what has more bits is rounded while it loads, and what has fewer stays what it is; with 'fp32' all is widened. Throws UNSUPPORTED, FORMAT. */
export function weightForms(config: JsonNode, dtype: string | undefined, sources: Sources = floats): WeightForms {
  checkDtype(dtype);
  return { stored: storedDtype(config), kept: dtype && kept[dtype], sources };
}

/** Dtypes of whole models as those of parameters. */
export const kept: Readonly<Record<PretrainedDtype, ParameterDtype>> = { fp32: 'float32', q8: 'q8', q4: 'q4' };

/** How a checkpoint has its matrices and tables, by its headers: of several ways, in the fewest bits. */
export function storedAs({ stored, sources }: WeightForms, tensors: readonly CheckpointEntry[]): PretrainedDtype {
  return fewest([stored, ...tensors.map(({ dtype }) => sources[dtype]?.format?.dtype ?? 'float32')]);
}

/** How a model's matrices and tables are held, as `dtype` names it: of several, in the fewest bits. */
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
