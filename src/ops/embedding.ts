/** Look-ups: rows of a table by number. */
import { PackedMatrix, Tensor } from '../tensor.js';
import { expectDtype, expectMatrix, expectRows, wrongShape } from './check.js';
import { unpack } from './matmul.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** weight[ids]: ids [...] int32, weight [V, C], plain or packed → [..., C]. Throws ARGUMENT for an id outside of the table. */
export const embedding = op((ids: Tensor, weight: Tensor | PackedMatrix): Tensor => {
  expectDtype('embedding', 'ids', ids, 'int32');
  expectMatrix('embedding', 'weight', weight);
  if (weight.shape.length !== 2) throw wrongShape('embedding', 'weight', weight.shape, 'it must have two axes');
  const [V, C] = weight.shape as [number, number];
  const source = contiguous(ids);
  expectRows('embedding', 'ids', source, V);
  if (weight instanceof PackedMatrix) return unpack(weight, source);
  expectDtype('embedding', 'weight', weight, 'float32');
  const y = Tensor.empty(ids.engine, [...ids.shape, C]);
  ids.engine.launch('embedding_f32', ids.size, ids.size * C, [y.ptr, source.ptr, contiguous(weight).ptr, C]);
  return y;
});
