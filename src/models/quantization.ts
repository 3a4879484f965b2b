/**
 * Which weights are 8-bit: what config.json says of the checkpoint, and what whoever loads it asks for with `dtype`. In a q8 checkpoint a matrix that
 * products read, or a table, is `name` int8 [N, K] with `name.scale` float16 [N, ⌈K/32⌉]; everything else is as in any other.
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

/** config.json's quantization_config of a q8 checkpoint. */
export const quantizationConfig = { quant_method: 'heed', bits: 8, group_size: BLOCK } as const;

/** What `from_pretrained` takes for `dtype`. Absent: as the checkpoint is. */
export const pretrainedDtypes = ['fp32', 'q8'] as const;
export type PretrainedDtype = (typeof pretrainedDtypes)[number];

/** What estimate and info tell: 'q4' comes with a file, and is not asked for. */
export type HeldDtype = PretrainedDtype | 'q4';

export interface WeightForms {
  /** Whether config.json says that matrices and tables are int8 with scales. */
  stored: ParameterDtype;
  /** As the engine is to hold them: all in float32; floats rounded to 8 bits; or each as its file has it. */
  kept: ParameterDtype | undefined;
  /** What tensors may be, by the kinds that files name. */
  sources: Sources;
}

/** Throws UNSUPPORTED for what is no dtype of from_pretrained. */
export function checkDtype(dtype: unknown): asserts dtype is PretrainedDtype | undefined {
  if (dtype === undefined || pretrainedDtypes.includes(dtype as PretrainedDtype)) return;
  throw new HeedError('UNSUPPORTED', `There is no dtype ${kindOf(dtype)}`, {
    culprit: 'dtype',
    cure: `Use ${pretrainedDtypes.map((name) => `'${name}'`).join(' or ')}`,
  });
}

/** With 'q8', what is float is rounded while it loads, and what has fewer bits stays what it is; with 'fp32' all is widened. Throws UNSUPPORTED, FORMAT. */
export function weightForms(config: JsonNode, dtype: string | undefined, sources: Sources = floats): WeightForms {
  checkDtype(dtype);
  return { stored: isQuantized(config) ? 'q8' : 'float32', kept: dtype && kept[dtype], sources };
}

const kept: Readonly<Record<PretrainedDtype, ParameterDtype>> = { fp32: 'float32', q8: 'q8' };

/** How a checkpoint has its matrices and tables, by its headers: of several ways, in the fewest bits. */
export function storedAs({ stored, sources }: WeightForms, tensors: readonly CheckpointEntry[]): HeldDtype {
  return fewest([stored, ...tensors.map(({ dtype }) => sources[dtype]?.format?.dtype ?? 'float32')]);
}

/** How a model's matrices and tables are held, as `dtype` names it: of several, in the fewest bits. */
export function heldIn(module: Module): HeldDtype {
  return fewest([...module.namedParameters()].map(([, { dtype }]) => dtype));
}

function fewest(dtypes: readonly WeightDtype[]): HeldDtype {
  return (['q4', 'q8'] as const).find((dtype) => dtypes.includes(dtype)) ?? 'fp32';
}

function isQuantized(config: JsonNode): boolean {
  if (config.get('quantization_config') === undefined) return false;
  const given = config.object('quantization_config');
  const method = given.string('quant_method');
  const own: Readonly<Record<string, unknown>> = quantizationConfig;
  const other = [...new Set([...Object.keys(own), ...Object.keys(given.value)])].find((key) => given.get(key) !== own[key]);
  if (other === undefined) return true;
  throw new HeedError('UNSUPPORTED', `${config.file}: heed has no quantization ${quote(method)} with this ${quote(other)}`, {
    culprit: 'quantization_config',
    cure: `It loads ${JSON.stringify(quantizationConfig)}, and float checkpoints, which { dtype: 'q8' } rounds`,
  });
}
