/**
 * One good call of every function of heed/ops and heed/nn, and what a caller may put in the place of each of its arguments and
 * options: the fuzz does so at random, api.test.ts one by one.
 */
import type { Engine } from '../../dist/engine/engine.js';
import * as nn from '../../dist/nn/index.js';
import * as ops from '../../dist/ops/index.js';
import { tensor } from '../../dist/tensor.js';

type Run = (...args: never[]) => unknown;

export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly run: Run;
}

/** What is no sensible argument for anything. Numbers are small, or so large that nothing can be made of them. */
export const strange: readonly unknown[] = [
  ...[undefined, null, Number.NaN, -1, 0, 1.5, 2 ** 31, 2 ** 53, Number.POSITIVE_INFINITY, '', 'x', 'false', true, 5n, Symbol('s')],
  ...[
    {},
    Object.create(null),
    [],
    [null],
    [-1],
    [0],
    [1.5],
    [2 ** 53],
    [[]],
    ['x'],
    () => {},
    new Date(0),
    new Map(),
    /x/,
    new Uint8Array(3),
    new BigInt64Array(3),
  ],
];

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Every list of arguments in which one argument, or one member of an argument that is a plain object, is another. */
export function* changed(args: readonly unknown[], values: readonly unknown[] = strange): Generator<unknown[]> {
  for (const [i, arg] of args.entries())
    for (const value of values) {
      yield args.with(i, value);
      if (isPlain(arg)) for (const key of Object.keys(arg)) yield args.with(i, { ...arg, [key]: value });
    }
}

const numbers = (dims: readonly number[]) => Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, (_, i) => (i % 7) / 7 - 0.4);

/** Tensors to call with, and `odd` ones to be passed where they do not belong. */
export function tensorsOn(engine: Engine) {
  const floats = (...dims: number[]) => tensor(engine, numbers(dims), dims);
  const ints = (...dims: number[]) => tensor(engine, new Int32Array(numbers(dims).length), dims);
  const flags = (...dims: number[]) => tensor(engine, new Uint8Array(numbers(dims).length).fill(1), dims);
  const freed = floats(2);
  freed.dispose();
  const shapes = [[], [0], [3], [2, 3], [4, 4], [0, 4], [2, 3, 4], [1, 2, 3, 4], [1, 1, 1, 2, 2]];
  const odd = [
    ...shapes.map((dims) => floats(...dims)),
    ints(3),
    ints(2, 3),
    flags(2, 3),
    ops.transpose(floats(2, 3), 0, 1),
    ops.pack(floats(4, 3)),
    ops.quantize(floats(4, 3)),
    freed,
  ];
  return { engine, floats, ints, flags, odd };
}

export function callsOf({ engine, floats, ints, flags }: ReturnType<typeof tensorsOn>): Call[] {
  const [x, w, q, s] = [floats(2, 4), floats(4, 4), floats(1, 2, 3, 4), floats(1, 3, 4)];
  const packed = ops.pack(w);
  const quantized = ops.quantize(w);
  const masks = { attnMask: flags(3, 3), isCausal: false, lengths: [3] };
  const attention = { ...masks, window: [1, 1], queryOffset: 0, alibiSlopes: floats(2), scale: 1, softCap: 0, enableGqa: false };
  const functions: [keyof typeof ops, ...unknown[]][] = [
    ...(['relu', 'quickGelu', 'silu', 'tanh', 'sigmoid', 'softmax', 'logSoftmax', 'contiguous', 'pack'] as const).map(
      (name) => [name, x] as [typeof name, unknown],
    ),
    ['gelu', x, { approximate: 'tanh' }],
    ['activate', x, 'relu'],
    ['scaledDotProductAttention', q, q, q, attention],
    ['attentionWithWeights', q, q, q, { ...attention, attnMask: floats(3, 3) }],
    ['maskToBias', flags(3), true],
    ['add', x, floats(4)],
    ['mul', x, x],
    ['scale', x, 2],
    ['embedding', ints(3), w],
    ['linear', x, packed, floats(4), { activation: 'gelu', residual: x }],
    ['matmul', x, w, { transposeB: true }],
    ['linear', x, quantized, floats(4), { activation: 'gelu', residual: x }],
    ['embedding', ints(3), quantized],
    ['unpack', packed, ints(2)],
    ['unpack', quantized, ints(2)],
    ['quantize', w],
    ['quantizedInts', quantized],
    ['quantizedScales', quantized],
    ['layerNorm', x, floats(4), floats(4), { eps: 1e-5 }],
    ['rmsNorm', x, floats(4), { eps: 1e-6 }],
    ['rotary', q, ops.rotaryTable(engine, 8, 4), { interleaved: true, positions: ints(3) }],
    ['rotaryTable', engine, 8, 4, 100],
    ['cat', [x, x], 0],
    ['chunk', x, 2, 1],
    ['expand', floats(1, 4), [3, 4]],
    ['narrow', x, 1, 0, 2],
    ['permute', x, [1, 0]],
    ['reshape', x, [4, -1]],
    ['transpose', x, 0, 1],
    ['unflatten', x, 1, [2, -1]],
  ];

  const layerOptions = { dimFeedforward: 8, activation: 'relu', layerNormEps: 1e-5, batchFirst: true, normFirst: false, bias: true };
  const linear = ready(new nn.Linear(engine, 4, 4));
  const classes: [keyof typeof nn, ...unknown[]][] = [
    ['Linear', engine, 4, 4, { bias: true }],
    ['Embedding', engine, 4, 4],
    ['LayerNorm', engine, 4, { eps: 1e-5, bias: true }],
    ['RMSNorm', engine, 4, { eps: 1e-6 }],
    ['MultiheadAttention', engine, 4, 2, { bias: true, kdim: 4, vdim: 4, addBiasKv: true, addZeroAttn: true, batchFirst: true }],
    ['TransformerEncoderLayer', engine, 4, 2, layerOptions],
    ['TransformerDecoderLayer', engine, 4, 2, layerOptions],
    ['TransformerEncoder', engine, () => linear, 2, new nn.LayerNorm(engine, 4)],
    ['TransformerDecoder', engine, () => linear, 2, new nn.LayerNorm(engine, 4)],
    ['Transformer', engine, { dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, ...layerOptions }],
  ];

  const options = { dimFeedforward: 8, batchFirst: true };
  const attend = ready(new nn.MultiheadAttention(engine, 4, 2, { batchFirst: true }));
  const encoder = ready(new nn.TransformerEncoderLayer(engine, 4, 2, options));
  const decoder = ready(new nn.TransformerDecoderLayer(engine, 4, 2, options));
  const whole = ready(new nn.Transformer(engine, { dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, ...options }));
  const state = { weight: { data: new Float32Array(16), dims: [4, 4] }, bias: { data: [1, 2, 3, 4], dims: [4] } };
  const layerMasks = { mask: flags(3, 3), keyPaddingMask: flags(1, 3), isCausal: false, lengths: [3] };
  const call = {
    attnMask: flags(3, 3),
    keyPaddingMask: flags(1, 3),
    isCausal: false,
    lengths: [3],
    needWeights: true,
    averageAttnWeights: true,
    residual: s,
  };
  const methods: [string, Run, ...unknown[]][] = [
    ['Linear.forward', bound(linear, 'forward'), x, { activation: 'relu', residual: x }],
    ['Linear.loadStateDict', bound(linear, 'loadStateDict'), state, { strict: true }],
    ['Embedding.forward', bound(ready(new nn.Embedding(engine, 4, 4)), 'forward'), ints(2)],
    ['LayerNorm.forward', bound(ready(new nn.LayerNorm(engine, 4)), 'forward'), x],
    ['RMSNorm.forward', bound(ready(new nn.RMSNorm(engine, 4)), 'forward'), x],
    ['MultiheadAttention.forward', bound(attend, 'forward'), s, s, s, call],
    ['TransformerEncoderLayer.forward', bound(encoder, 'forward'), s, { ...layerMasks, onWeights: () => {} }],
    ['TransformerDecoderLayer.forward', bound(decoder, 'forward'), s, s, { tgt: layerMasks, memory: layerMasks }],
    ['Transformer.forward', bound(whole, 'forward'), s, s, { src: layerMasks, tgt: layerMasks, memory: layerMasks }],
    ['engine.scope', bound(engine, 'scope'), () => x],
    ['engine.allocate', bound(engine, 'allocate'), 64],
  ];
  const function_ = new Map<string, unknown>(Object.entries(ops));
  const class_ = new Map<string, unknown>(Object.entries(nn));
  const make = (name: string, args: never[]) => new (class_.get(name) as new (...args: never[]) => unknown)(...args);
  return [
    ...functions.map(([name, ...args]) => ({ name, args, run: function_.get(name) as Run })),
    ...classes.map(([name, ...args]) => ({ name: `new ${name}`, args, run: (...given: never[]) => make(name, given) })),
    ...methods.map(([name, run, ...args]) => ({ name, args, run })),
  ];
}

const bound = <T, K extends keyof T>(object: T, name: K): Run => (object[name] as (...args: never[]) => unknown).bind(object);

/** The module with values in all of its parameters. */
function ready<M extends nn.Module>(module: M): M {
  module.loadStateDict(
    Object.fromEntries([...module.namedParameters()].map(([name, { shape }]) => [name, { data: numbers(shape), dims: shape }])),
  );
  return module;
}
