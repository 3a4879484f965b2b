/** What ops say to wrong arguments: the code, the culprit, and no trace in the engine. */
import { type Engine, type ErrorCode, HeedError } from 'heed';
import * as ops from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { engineFor } from './engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ threads: 1 });
});

const { tensor } = ops;
const sizeOf = (dims: readonly number[]) => dims.reduce((n, d) => n * d, 1);
const floats = (...dims: number[]) => tensor(engine, new Float32Array(sizeOf(dims)), dims);
const ints = (...dims: number[]) => tensor(engine, new Int32Array(sizeOf(dims)), dims);
const flags = (...dims: number[]) => tensor(engine, new Uint8Array(sizeOf(dims)), dims);
const freed = () => {
  const x = floats(3);
  x.dispose();
  return x;
};
const attend = (options: object) => ops.scaledDotProductAttention(floats(2, 4, 5, 8), floats(2, 4, 6, 8), floats(2, 4, 6, 8), options);
const turn = (options: object, table: { cos: ops.Tensor; sin: ops.Tensor } = ops.rotaryTable(engine, 6, 4)) =>
  ops.rotary(floats(1, 2, 5, 8), table, options);

type Row = [wrong: string, call: () => unknown, code: ErrorCode, culprit: string];

const wrongs: Row[] = [
  ['tensor: elements that do not fill the shape', () => tensor(engine, [1, 2, 3], [2, 2]), 'SHAPE', 'shape'],
  ['tensor: a shape with a negative axis', () => tensor(engine, [1], [-1, -1]), 'SHAPE', 'shape'],
  ['tensor: a ragged array', () => tensor(engine, [[1, 2], [3]]), 'SHAPE', 'data'],
  ['tensor: a dtype that is none', () => tensor(engine, [1], [1], 'float16' as ops.Tensor['dtype']), 'DTYPE', 'dtype'],

  ['linear: a last axis that the weight does not have', () => ops.linear(floats(2, 3), floats(4, 5)), 'SHAPE', 'x'],
  ['linear: a weight of one axis', () => ops.linear(floats(2, 3), floats(3)), 'SHAPE', 'weight'],
  ['linear: a weight of three axes', () => ops.linear(floats(2, 3), floats(1, 4, 3)), 'SHAPE', 'weight'],
  ['linear: a bias of another length', () => ops.linear(floats(2, 3), floats(4, 3), floats(3)), 'SHAPE', 'bias'],
  ['linear: a bias of integers', () => ops.linear(floats(2, 3), floats(4, 3), ints(4)), 'DTYPE', 'bias'],
  [
    'linear: a residual of another shape',
    () => ops.linear(floats(2, 3), floats(4, 3), undefined, { residual: floats(4) }),
    'SHAPE',
    'residual',
  ],
  ['linear: integers', () => ops.linear(ints(2, 3), floats(4, 3)), 'DTYPE', 'x'],
  ['linear: a weight of integers', () => ops.linear(floats(2, 3), ints(4, 3)), 'DTYPE', 'weight'],
  [
    'linear: an activation that is none',
    () => ops.linear(floats(2, 3), floats(4, 3), undefined, { activation: 'swish' as ops.Activation }),
    'UNSUPPORTED',
    'activation',
  ],
  ['matmul: inner axes that differ', () => ops.matmul(floats(2, 3), floats(2, 3)), 'SHAPE', 'b'],
  ['matmul: a number', () => ops.matmul(floats(2, 3), floats()), 'SHAPE', 'b'],
  ['matmul: a vector that is too long', () => ops.matmul(floats(2, 3), floats(4)), 'SHAPE', 'b'],
  ['matmul: leading axes that differ', () => ops.matmul(floats(2, 2, 3), floats(3, 3, 2)), 'SHAPE', 'b'],
  ['matmul: booleans', () => ops.matmul(flags(2, 3), floats(3, 2)), 'DTYPE', 'a'],
  ['pack: a vector', () => ops.pack(floats(3)), 'SHAPE', 'w'],
  ['unpack: rows that are no integers', () => ops.unpack(ops.pack(floats(3, 2)), floats(1)), 'DTYPE', 'rows'],

  ['attention: a vector', () => ops.scaledDotProductAttention(floats(8), floats(8), floats(8)), 'SHAPE', 'query'],
  ['attention: five axes', () => ops.scaledDotProductAttention(floats(1, 1, 1, 2, 8), floats(2, 8), floats(2, 8)), 'SHAPE', 'query'],
  ['attention: integers', () => ops.scaledDotProductAttention(floats(2, 8), ints(2, 8), floats(2, 8)), 'DTYPE', 'key'],
  ['attention: keys of another width', () => ops.scaledDotProductAttention(floats(2, 8), floats(2, 7), floats(2, 8)), 'SHAPE', 'key'],
  ['attention: fewer values than keys', () => ops.scaledDotProductAttention(floats(2, 8), floats(3, 8), floats(2, 8)), 'SHAPE', 'value'],
  ['attention: no channels', () => ops.scaledDotProductAttention(floats(2, 0), floats(2, 0), floats(2, 8)), 'SHAPE', 'query'],
  [
    'attention: grouped heads that were not announced',
    () => ops.scaledDotProductAttention(floats(1, 4, 5, 8), floats(1, 2, 5, 8), floats(1, 2, 5, 8)),
    'SHAPE',
    'key',
  ],
  [
    'attention: grouped heads that do not divide',
    () => ops.scaledDotProductAttention(floats(1, 4, 5, 8), floats(1, 3, 5, 8), floats(1, 3, 5, 8), { enableGqa: true }),
    'SHAPE',
    'key',
  ],
  ['attention: a mask that does not fit', () => attend({ attnMask: flags(5, 5) }), 'SHAPE', 'attnMask'],
  ['attention: a mask of integers', () => attend({ attnMask: ints(5, 6) }), 'DTYPE', 'attnMask'],
  ['attention: a length for the wrong number of examples', () => attend({ lengths: [6] }), 'ARGUMENT', 'lengths'],
  ['attention: a length beyond the keys', () => attend({ lengths: [6, 7] }), 'ARGUMENT', 'lengths'],
  ['attention: half a window', () => attend({ window: 1.5 }), 'ARGUMENT', 'window'],
  ['attention: a negative window', () => attend({ window: [2, -1] }), 'ARGUMENT', 'window'],
  ['attention: a query before the first key', () => attend({ queryOffset: -1 }), 'ARGUMENT', 'queryOffset'],
  ['attention: places for three of two examples', () => attend({ queryOffset: [0, 1, 2] }), 'ARGUMENT', 'queryOffset'],
  ['attention: a place between two keys', () => attend({ queryOffset: [0, 0.5] }), 'ARGUMENT', 'queryOffset'],
  ['attention: a cap below 0', () => attend({ softCap: -1 }), 'ARGUMENT', 'softCap'],
  ['attention: a cap that is no number', () => attend({ softCap: Number.NaN }), 'ARGUMENT', 'softCap'],
  ['attention: slopes for the wrong number of heads', () => attend({ alibiSlopes: floats(3) }), 'SHAPE', 'alibiSlopes'],
  ['attention: an option that there is not', () => attend({ temperature: 2 }), 'UNSUPPORTED', 'temperature'],
  ['attention: dropout without a key', () => attend({ dropoutP: 0.1 }), 'ARGUMENT', 'key'],
  ['maskToBias: floats', () => ops.maskToBias(floats(3)), 'DTYPE', 'mask'],

  ['softmax: no axis', () => ops.softmax(tensor(engine, 1)), 'SHAPE', 'x'],
  ['softmax: integers', () => ops.softmax(ints(3)), 'DTYPE', 'x'],
  ['logSoftmax: an empty axis', () => ops.logSoftmax(floats(3, 0)), 'SHAPE', 'x'],
  ['layerNorm: a weight of another length', () => ops.layerNorm(floats(2, 3), floats(2)), 'SHAPE', 'weight'],
  ['layerNorm: a bias of integers', () => ops.layerNorm(floats(2, 3), floats(3), ints(3)), 'DTYPE', 'bias'],
  ['rmsNorm: a weight of another shape', () => ops.rmsNorm(floats(2, 3), floats(1, 3)), 'SHAPE', 'weight'],
  ['relu: integers', () => ops.relu(ints(3)), 'DTYPE', 'x'],
  ['gelu: an approximation that is none', () => ops.gelu(floats(3), { approximate: 'erf' as 'tanh' }), 'ARGUMENT', 'approximate'],
  ['activate: a name that is none', () => ops.activate(floats(3), 'toString' as ops.Activation), 'UNSUPPORTED', 'activation'],

  ['add: a second operand with more axes', () => ops.add(floats(3), floats(1, 3)), 'SHAPE', 'b'],
  ['add: shapes that do not go together', () => ops.add(floats(2, 3), floats(2)), 'SHAPE', 'b'],
  ['mul: integers', () => ops.mul(floats(3), ints(3)), 'DTYPE', 'b'],
  ['scale: a factor that is no number', () => ops.scale(floats(3), '2' as unknown as number), 'ARGUMENT', 'factor'],
  ['embedding: floats', () => ops.embedding(floats(2), floats(3, 4)), 'DTYPE', 'ids'],
  ['embedding: a table of integers', () => ops.embedding(ints(2), ints(3, 4)), 'DTYPE', 'weight'],
  ['embedding: a table of one axis', () => ops.embedding(ints(2), floats(3)), 'SHAPE', 'weight'],
  ['embedding: an id beyond the table', () => ops.embedding(tensor(engine, Int32Array.of(0, 3)), floats(3, 4)), 'ARGUMENT', 'ids'],
  ['embedding: a negative id', () => ops.embedding(tensor(engine, Int32Array.of(-1)), ops.pack(floats(3, 4))), 'ARGUMENT', 'ids'],
  ['rotaryTable: channels that form no pairs', () => ops.rotaryTable(engine, 4, 3), 'ARGUMENT', 'R'],
  ['rotary: three axes', () => ops.rotary(floats(2, 5, 8), ops.rotaryTable(engine, 6, 4)), 'SHAPE', 'x'],
  ['rotary: a table wider than the heads', () => turn({}, ops.rotaryTable(engine, 6, 10)), 'SHAPE', 'table.cos'],
  ['rotary: a table of one axis', () => turn({}, { cos: floats(6), sin: floats(6) }), 'SHAPE', 'table.cos'],
  ['rotary: tables that differ', () => turn({}, { cos: floats(6, 2), sin: floats(6, 3) }), 'SHAPE', 'table.sin'],
  ['rotary: more rows than the table has', () => turn({}, ops.rotaryTable(engine, 4, 4)), 'ARGUMENT', 'positions'],
  ['rotary: positions for other rows', () => turn({ positions: ints(4) }), 'SHAPE', 'positions'],
  ['rotary: positions that are no integers', () => turn({ positions: floats(5) }), 'DTYPE', 'positions'],
  ['rotary: a position beyond the table', () => turn({ positions: tensor(engine, Int32Array.of(0, 1, 2, 3, 6)) }), 'ARGUMENT', 'positions'],

  ['transpose: an axis that there is not', () => ops.transpose(floats(2, 3), 0, 2), 'ARGUMENT', 'axis'],
  ['permute: an axis twice', () => ops.permute(floats(2, 3), [0, 0]), 'SHAPE', 'x'],
  ['reshape: another number of elements', () => ops.reshape(floats(2, 3), [4]), 'SHAPE', 'x'],
  ['reshape: two unknown axes', () => ops.reshape(floats(2, 3), [-1, -1]), 'SHAPE', 'x'],
  ['unflatten: sizes that do not fill the axis', () => ops.unflatten(floats(2, 6), 1, [4, -1]), 'SHAPE', 'x'],
  ['narrow: beyond the end', () => ops.narrow(floats(2, 3), 1, 2, 2), 'SHAPE', 'x'],
  ['narrow: half an element', () => ops.narrow(floats(2, 3), 1, 0.5, 1), 'SHAPE', 'x'],
  ['chunk: parts that are not equal', () => ops.chunk(floats(2, 3), 2, 1), 'SHAPE', 'x'],
  ['expand: an axis that is not 1', () => ops.expand(floats(2, 3), [4, 3]), 'SHAPE', 'x'],
  ['cat: nothing', () => ops.cat([], 0), 'ARGUMENT', 'tensors'],
  ['cat: shapes that do not go together', () => ops.cat([floats(2, 3), floats(2, 4)], 0), 'SHAPE', 'x'],
  ['cat: different dtypes', () => ops.cat([floats(2), ints(2)], 0), 'DTYPE', 'tensors'],
  ['sum: an axis that there is not', () => ops.sum(floats(2, 3), 2), 'ARGUMENT', 'axis'],
  ['mean: integers', () => ops.mean(ints(2)), 'DTYPE', 'x'],
  ['embedding: padding that is no row', () => ops.embedding(ints(2), floats(3, 4), { paddingIdx: 3 }), 'ARGUMENT', 'paddingIdx'],
  ['dropout: more than all', () => ops.dropout(floats(3), 1.1, [1, 2, 3, 4]), 'ARGUMENT', 'p'],
  ['dropout: a key of three words', () => ops.dropout(floats(3), 0.1, [1, 2, 3] as never), 'ARGUMENT', 'key'],
  ['dropout: a word that is too large', () => ops.dropout(floats(3), 0.1, [1, 2, 3, 2 ** 32]), 'ARGUMENT', 'key'],
  ['crossEntropy: targets of another shape', () => ops.crossEntropy(floats(2, 3), ints(3)), 'SHAPE', 'targets'],
  ['crossEntropy: targets that are floats', () => ops.crossEntropy(floats(2, 3), floats(2)), 'DTYPE', 'targets'],
  [
    'crossEntropy: a target that is no class',
    () => ops.crossEntropy(floats(1, 3), tensor(engine, Int32Array.of(3))),
    'ARGUMENT',
    'targets',
  ],
  ['crossEntropy: a negative target', () => ops.crossEntropy(floats(1, 3), tensor(engine, Int32Array.of(-1))), 'ARGUMENT', 'targets'],
  ['crossEntropy: no classes', () => ops.crossEntropy(floats(2, 0), ints(2)), 'SHAPE', 'logits'],
  ['crossEntropy: weights for other classes', () => ops.crossEntropy(floats(2, 3), ints(2), { weight: floats(2) }), 'SHAPE', 'weight'],
  ['crossEntropy: too much smoothing', () => ops.crossEntropy(floats(2, 3), ints(2), { labelSmoothing: 2 }), 'ARGUMENT', 'labelSmoothing'],
  ['crossEntropy: half a target to ignore', () => ops.crossEntropy(floats(2, 3), ints(2), { ignoreIndex: 0.5 }), 'ARGUMENT', 'ignoreIndex'],

  ['any op: a tensor that was freed', () => ops.softmax(freed()), 'ARGUMENT', 'tensor'],
];

describe('a wrong argument', () => {
  it.each(wrongs)('%s is an error that names it', (_, call, code, culprit) => {
    const before = engine.memory().storages;
    let thrown: unknown;
    engine.scope(() => {
      try {
        call();
      } catch (error) {
        thrown = error;
      }
    });
    expect(thrown).toBeInstanceOf(HeedError);
    expect(thrown).toMatchObject({ code, culprit });
    expect(engine.memory().storages).toBe(before);
  });
});

it('an op that throws outside of a scope leaves nothing behind', () => {
  const [x, weight, bias] = [floats(2, 3), floats(4, 3), floats(5)];
  const before = engine.memory().storages;
  expect(() => ops.linear(x, weight, bias)).toThrow(HeedError);
  expect(() => ops.layerNorm(ops.transpose(x, 0, 1), bias)).toThrow(HeedError);
  expect(engine.memory().storages).toBe(before);
});

it('a message says what is wrong, its shape, and what would be right', () => {
  expect(() => ops.linear(floats(2, 3), floats(4, 5))).toThrow('linear: x is [2,3], its last axis must be 5, as the weight is [4,5]');
});
