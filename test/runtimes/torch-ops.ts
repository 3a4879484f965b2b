/** PyTorch's values for ops: how each family of fixtures is computed here. */
import type { Engine } from 'heed';
import {
  type AttentionOptions,
  attentionWithWeights,
  backward,
  contiguous,
  crossEntropy,
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
  Tape,
  type Tensor,
  tanh,
  tensor,
} from 'heed/ops';
import { assert } from './check.js';
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
  ignore_index?: number;
  label_smoothing?: number;
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

/** What an op gives, and the gradients of its inputs, which have the fixture's names, from that of what it gives; a loss's own is 1. */
function differentiated(engine: Engine, given: Named, inputs: Readonly<Record<string, Tensor>>, op: () => Tensor): Answers {
  const tape = new Tape(engine);
  const host: [string, Named[string]][] = [];
  for (const [name, x] of Object.entries(inputs))
    if (given[`d_${name}`])
      tape.watch(x, (gradient) => {
        const { data, dims } = contiguous(gradient).toHost();
        host.push([`d_${name}`, { data, dims }]);
      });
  const y = tape.record(op);
  backward(tape, y, given.dy && on(engine, given, 'dy'));
  const expected = Object.keys(given).filter((name) => name.startsWith('d_'));
  assert(expected.length === host.length, `there are gradients of ${host.map(([name]) => name)}, not of ${expected}`);
  return [
    [given.loss ? 'loss' : 'y', given.loss ? y.view([1]) : y],
    ...host.map(([name, { data, dims }]) => [name, tensor(engine, data, dims)] as const),
  ];
}

const inputsFrom = <Name extends string>(engine: Engine, given: Named, ...names: Name[]) =>
  Object.fromEntries(names.map((name) => [name, on(engine, given, name)])) as Record<Name, Tensor>;

const attention: Family = (engine, given, about) => {
  const inputs = inputsFrom(engine, given, 'q', 'k', 'v');
  const { q, k, v } = inputs;
  const options: AttentionOptions = {
    attnMask: given.mask && on(engine, given, 'mask'),
    lengths: given.key_lengths && [...given.key_lengths.data],
    isCausal: about.is_causal,
    scale: about.scale ?? undefined,
    enableGqa: about.enable_gqa,
  };
  const { output, weights } = attentionWithWeights(q, k, v, options);
  return [...differentiated(engine, given, inputs, () => scaledDotProductAttention(q, k, v, options)), ['y', output], ['weights', weights]];
};

/** Beginnings of fixtures' names. */
export const opFamilies: Readonly<Record<string, Family>> = {
  sdpa_: attention,
  ...Object.fromEntries(
    Object.entries(pointwise).map(([name, op]) => {
      const family: Family = (engine, given) => {
        const inputs = inputsFrom(engine, given, 'x');
        return differentiated(engine, given, inputs, () => op(inputs.x));
      };
      return [`act_${name}`, family];
    }),
  ),
  layer_norm_: (engine, given) => {
    const inputs = inputsFrom(engine, given, 'x', 'w', 'b');
    return differentiated(engine, given, inputs, () => layerNorm(inputs.x, inputs.w, inputs.b, { eps: 1e-5 }));
  },
  rms_norm_: (engine, given) => {
    const inputs = inputsFrom(engine, given, 'x', 'w');
    return differentiated(engine, given, inputs, () => rmsNorm(inputs.x, inputs.w, { eps: 1e-6 }));
  },
  linear_: (engine, given) => {
    const inputs = inputsFrom(engine, given, 'x', 'w', 'b');
    const { x, w, b } = inputs;
    return [...differentiated(engine, given, inputs, () => linear(x, w, b)), ['y', linear(x, pack(w), b)]];
  },
  cross_entropy_: (engine, given, { ignore_index: ignoreIndex, label_smoothing: labelSmoothing }) => {
    const { x, target } = inputsFrom(engine, given, 'x', 'target');
    const options = { ignoreIndex, labelSmoothing, weight: given.weight && on(engine, given, 'weight') };
    return differentiated(engine, given, { x }, () => crossEntropy(x, target, options));
  },
  embedding: (engine, given) => {
    const { ids, w } = inputsFrom(engine, given, 'ids', 'w');
    return [...differentiated(engine, given, { w }, () => embedding(ids, w, { paddingIdx: 0 })), ['y', embedding(ids, pack(w))]];
  },
};
