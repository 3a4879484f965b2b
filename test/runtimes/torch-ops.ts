/** PyTorch's values for ops: how each family of fixtures is computed here. */
import type { Engine } from 'heed';
import {
  type AttentionOptions,
  attentionWithWeights,
  embedding,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  pack,
  quickGelu,
  relu,
  rmsNorm,
  scaledDotProductAttention,
  sigmoid,
  silu,
  softmax,
  type Tensor,
  tanh,
  tensor,
} from 'heed/ops';
import type { Named } from './fixtures.js';

/** What cases.json says of a fixture. */
export interface About {
  is_causal?: boolean;
  scale?: number | null;
  enable_gqa?: boolean;
  bias?: boolean;
  kdim?: number;
  vdim?: number;
  add_bias_kv?: boolean;
  add_zero_attn?: boolean;
  norm_first?: boolean;
  activation?: 'relu' | 'gelu';
}

/** What is computed here, beside the name of the tensor that it must equal. */
export type Answers = readonly (readonly [name: string, actual: Tensor])[];
export type Family = (engine: Engine, given: Named, about: About) => Answers;

/** A fixture's tensor on an engine: floats, integers and booleans become what they are. */
export function on(engine: Engine, given: Named, name: string): Tensor {
  const found = given[name];
  if (!found) throw new Error(`the fixture has no ${name}`);
  return tensor(engine, found.data, found.dims);
}

const pointwise: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  gelu,
  gelu_tanh: (x) => gelu(x, { approximate: 'tanh' }),
  quick_gelu: quickGelu,
  silu,
  relu,
  tanh,
  sigmoid,
  softmax,
  log_softmax: logSoftmax,
};

const attention: Family = (engine, given, about) => {
  const [q, k, v] = ['q', 'k', 'v'].map((name) => on(engine, given, name)) as [Tensor, Tensor, Tensor];
  const options: AttentionOptions = {
    attnMask: given.mask && on(engine, given, 'mask'),
    lengths: given.key_lengths && [...given.key_lengths.data],
    isCausal: about.is_causal,
    scale: about.scale ?? undefined,
    enableGqa: about.enable_gqa,
  };
  const { output, weights } = attentionWithWeights(q, k, v, options);
  return [
    ['y', scaledDotProductAttention(q, k, v, options)],
    ['y', output],
    ['weights', weights],
  ];
};

/** Beginnings of fixtures' names. */
export const opFamilies: Readonly<Record<string, Family>> = {
  sdpa_: attention,
  ...Object.fromEntries(
    Object.entries(pointwise).map(
      ([name, op]) => [`act_${name}`, (engine, given) => [['y', op(on(engine, given, 'x'))]]] as [string, Family],
    ),
  ),
  layer_norm_: (engine, given) => {
    const [x, w, b] = ['x', 'w', 'b'].map((name) => on(engine, given, name)) as [Tensor, Tensor, Tensor];
    return [['y', layerNorm(x, w, b, { eps: 1e-5 })]];
  },
  rms_norm_: (engine, given) => [['y', rmsNorm(on(engine, given, 'x'), on(engine, given, 'w'), { eps: 1e-6 })]],
  linear_: (engine, given) => {
    const [x, w, b] = ['x', 'w', 'b'].map((name) => on(engine, given, name)) as [Tensor, Tensor, Tensor];
    return [
      ['y', linear(x, w, b)],
      ['y', linear(x, pack(w), b)],
    ];
  },
  embedding: (engine, given) => {
    const [ids, w] = ['ids', 'w'].map((name) => on(engine, given, name)) as [Tensor, Tensor];
    return [
      ['y', embedding(ids, w)],
      ['y', embedding(ids, pack(w))],
    ];
  },
};
