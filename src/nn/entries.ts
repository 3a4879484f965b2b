/** Parameters in the form of a checkpoint: their dtype, and their tensors in a safetensors file. */
import { floatEntry, type SafetensorsEntry } from '../io/safetensors_writer.js';
import { fitsQ4, q4Entries } from './formats/q4.js';
import { quantizedEntries } from './formats/q8.js';
import { empty } from './held.js';
import type { Parameter, ParameterDtype } from './parameter.js';

const makers = { q8: quantizedEntries, q4: q4Entries } as const;

/**
 * The dtype that a parameter is held in where its whole model is asked for one: float32 where it may not have fewer bits; of 4 bits, 8 where it is a table or an output, or where its
 * rows are no whole blocks of 32.
 */
export function dtypeFor({ quantizable, dtype: own, leastBits, width }: Parameter, dtype: ParameterDtype): ParameterDtype {
  if (!quantizable) return 'float32';
  return dtype === 'q4' && own !== 'q4' && (leastBits === 8 || !fitsQ4(width)) ? 'q8' : dtype;
}

/**
 * The tensors of a parameter in a checkpoint of this dtype, or, where none is given, as it is held. q8: int8 and scales, q4: blocks, to which others are rounded when the bytes are
 * asked for. Bytes are copies; asking for them throws NUMERIC for values that are not finite. Throws MODEL_MISMATCH where no weights to quantize were loaded.
 */
export function weightEntries(parameter: Parameter, name: string, dtype?: ParameterDtype): SafetensorsEntry[] {
  const as = dtype ? dtypeFor(parameter, dtype) : parameter.dtype;
  if (as === 'float32') return [floatEntry(name, parameter.shape, () => parameter.toHost())];
  const { form } = parameter;
  if (!form) throw empty(parameter);
  return makers[as](name, parameter, form);
}
