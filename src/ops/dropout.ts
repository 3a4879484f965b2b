/** Dropout with a mask that is a function of a key and an element's position. */
import { record } from '../autograd/tape.js';
import type { Engine } from '../engine/engine.js';
import { dropout_f32, TILE, WORDS } from '../engine/kernels.generated.js';
import { Tensor } from '../tensor.js';
import { expectDtype, kindOf, wrongArgument } from './check.js';
import { op } from './op.js';
import { contiguous } from './shape.js';

/** Key of a mask: four whole numbers below 2^32, of a seed, a step and a place in the model, say. */
export type DropoutKey = readonly [number, number, number, number];

/** Parameters of a mask, as kernels read them: the key, the random word below which an element is zeroed, and the factor of the others. */
export function dropoutMask(engine: Engine, where: string, p: number, key: DropoutKey | undefined): Tensor {
  if (!(typeof p === 'number' && p >= 0 && p <= 1)) throw wrongArgument(where, 'p', p, 'It is a number from 0 to 1');
  const isWord = (word: unknown) => Number.isInteger(word) && (word as number) >= 0 && (word as number) < 2 ** 32;
  if (!Array.isArray(key) || key.length !== 4 || !key.every(isWord))
    throw wrongArgument(where, 'key', Array.isArray(key) ? key.map(kindOf).join() : key, 'Give four whole numbers below 2^32');
  const mask = Tensor.empty(engine, [6], 'int32');
  engine.heap.ints(mask.ptr, 5).set([...key, Math.floor(p * 2 ** 32)].map((word) => word | 0));
  // With p = 1 the threshold 2^32 wraps to 0, below which no word lies: the factor 0 zeroes all elements.
  engine.heap.floats(mask.ptr + 20, 1)[0] = p === 1 ? 0 : 1 / (1 - p);
  return mask;
}

/** Zeroes each element of x with probability p, and multiplies the others by 1 / (1 − p). The same key gives the same mask. */
export const dropout = op((x: Tensor, p: number, key: DropoutKey): Tensor => {
  expectDtype('dropout', 'x', x, 'float32');
  const drop = (from: Tensor): Tensor => {
    const mask = dropoutMask(x.engine, 'dropout', p, key);
    const y = Tensor.empty(x.engine, x.shape);
    const n = x.size;
    const tiles = Math.ceil(n / TILE);
    x.engine.launch(dropout_f32({ tiles, work: n * 16, scratch: WORDS, y: y.ptr, x: contiguous(from).ptr, n, mask: mask.ptr }));
    return y;
  };
  const y = drop(x);
  record(y, [x], [], (dy) => [drop(dy)]);
  return y;
});
