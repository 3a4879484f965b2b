/** Look-ups: rows of a table by their numbers. */
import { record } from '../autograd/tape.js';
import { embedding_f32, embedding_grad_f32 } from '../engine/kernels.generated.js';
import { checkOptions } from '../errors.js';
import { type Matrix, Tensor } from '../tensor.js';
import { expectDtype, expectMatrix, expectRows, wrongArgument, wrongShape } from './check.js';
import { unpack } from './matmul.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Options of embedding. */
export interface EmbeddingOptions {
  /** Row of the table that gets no gradient. */
  paddingIdx?: number | undefined;
}

/** Most tiles into which the gradient cuts the table: each tile reads all ids. */
const SHARES = 64;

/** weight[ids]: ids [...] int32, weight [V, C], plain, packed or quantized → [..., C]. Throws ARGUMENT for an id outside of the table. */
export const embedding = op((ids: Tensor, weight: Tensor | Matrix, options: EmbeddingOptions = {}): Tensor => {
  checkOptions(options, ['paddingIdx'], 'embedding');
  expectDtype('embedding', 'ids', ids, 'int32');
  expectMatrix('embedding', 'weight', weight);
  if (weight.shape.length !== 2) throw wrongShape('embedding', 'weight', weight.shape, 'it must have two axes');
  const [V, C] = weight.shape as [number, number];
  const { paddingIdx = -1 } = options;
  if (options.paddingIdx !== undefined && !(Number.isInteger(paddingIdx) && paddingIdx >= 0 && paddingIdx < V))
    throw wrongArgument('embedding', 'paddingIdx', paddingIdx, `It is a row of the table, 0 to ${V - 1}`);
  const source = contiguous(ids);
  expectRows('embedding', 'ids', source, V);
  if (!(weight instanceof Tensor)) return unpack(weight, source);
  expectDtype('embedding', 'weight', weight, 'float32');
  const y = Tensor.empty(ids.engine, [...ids.shape, C]);
  const n = ids.size;
  ids.engine.launch(embedding_f32({ tiles: n, work: n * C, y: y.ptr, ids: source.ptr, w: contiguous(weight).ptr, C }));
  record(y, [weight], [source], (dy) => {
    const dw = Tensor.empty(ids.engine, [V, C]);
    const rows = Math.ceil(V / SHARES);
    const [tiles, work, up] = [Math.ceil(V / rows), V * C + n * (C + SHARES), contiguous(dy).ptr];
    ids.engine.launch(embedding_grad_f32({ tiles, work, dw: dw.ptr, dy: up, ids: source.ptr, n, V, C, rows, padding: paddingIdx }));
    return [dw];
  });
  return y;
});
