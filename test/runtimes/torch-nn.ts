/** PyTorch's values for modules: each is filled with the fixture's parameters, gives them back unchanged, and computes the same. */
import { type Engine, type HostTensor, tensor } from 'heed';
import { type LayerMasks, type Module, MultiheadAttention, Transformer, TransformerDecoderLayer, TransformerEncoderLayer } from 'heed/nn';
import { backward, contiguous, Tape, type Tensor } from 'heed/ops';
import { assert } from './check.js';
import type { Named } from './fixtures.js';
import { type About, type Answers, type Family, on } from './torch-ops.js';

const [C, HEADS, F] = [32, 4, 48];

/** Inputs by their names in the fixture, and the forward that gives `out` from them. */
interface Differentiable {
  inputs: Readonly<Record<string, Tensor | undefined>>;
  out(): Tensor;
}

/** The gradients of a module's inputs and parameters, from that of its output. */
function gradients(module: Module, given: Named, { inputs, out }: Differentiable): Answers {
  const { engine } = module;
  const host: [string, HostTensor][] = [];
  const tape = new Tape(engine);
  module.train();
  for (const [name, x] of Object.entries(inputs))
    if (x && given[`din.${name}`]) tape.watch(x, (gradient) => host.push([`din.${name}`, contiguous(gradient).toHost()]));
  backward(tape, tape.record(out), on(engine, given, 'dout'));
  for (const [name, { grad }] of module.namedParameters()) if (grad) host.push([`grad.${name}`, grad.toHost()]);
  const expected = Object.keys(given).filter((name) => /^(din|grad)\./.test(name));
  assert(expected.length === host.length, `there are gradients of ${host.map(([name]) => name)}, not of ${expected}`);
  module.eval();
  return host.map(([name, { data, dims }]) => [name, tensor(engine, data, dims)]);
}

/** Fills a module, asks for what was filled in, runs `forward`, takes gradients, lets go of the module. */
function filled<M extends Module>(
  module: M,
  given: Named,
  forward: (module: M) => Answers,
  differentiable: (module: M) => Differentiable,
): Answers {
  const state = Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => name.startsWith('param.'))
      .map(([name, values]) => [name.slice('param.'.length), values]),
  );
  try {
    module.loadStateDict(state);
    const back = module.stateDict();
    assert(Object.keys(back).sort().join() === Object.keys(state).sort().join(), `stateDict() has the keys ${Object.keys(back)}`);
    for (const [name, { data, dims }] of Object.entries(state)) {
      assert(back[name]?.dims.join() === dims.join(), `stateDict(): ${name} is [${back[name]?.dims}], not [${dims}]`);
      assert(
        data.every((value, i) => Object.is(back[name]?.data[i], value)),
        `stateDict(): ${name} is not what was loaded`,
      );
    }
    return [...forward(module), ...gradients(module, given, differentiable(module)), ...forward(module)];
  } finally {
    module.dispose();
  }
}

const attention: Family = (engine, given, about) => {
  const { bias = true, kdim = C, vdim = C, add_bias_kv: addBiasKv = false, add_zero_attn: addZeroAttn = false } = about;
  const made = new MultiheadAttention(engine, C, HEADS, { batchFirst: true, bias, kdim, vdim, addBiasKv, addZeroAttn });
  const [query, key, value] = ['query', 'key', 'value'].map((name) => on(engine, given, `in.${name}`)) as [Tensor, Tensor, Tensor];
  const keyPaddingMask = on(engine, given, 'in.pad');
  const forward = (module: MultiheadAttention): Answers => {
    const { output, weights } = module.forward(query, key, value, { keyPaddingMask, needWeights: true });
    return [
      ['out', output],
      ['attn', weights as Tensor],
    ];
  };
  return filled(made, given, forward, (module) => ({
    inputs: { query, key, value },
    out: () => module.forward(query, key, value, { keyPaddingMask }).output,
  }));
};

const selfAttention: Family = (engine, given) => {
  const query = on(engine, given, 'in.query');
  const attnMask = on(engine, given, 'in.attn_mask');
  const forward = (module: MultiheadAttention): Answers => {
    const masked = module.forward(query, query, query, { attnMask, needWeights: true, averageAttnWeights: false });
    return [
      ['out', masked.output],
      ['attn', masked.weights as Tensor],
      // The mask is a causal one: the flag must do as well.
      ['out', module.forward(query, query, query, { isCausal: true }).output],
    ];
  };
  return filled(new MultiheadAttention(engine, C, HEADS, { batchFirst: true }), given, forward, (module) => ({
    inputs: { query },
    out: () => module.forward(query, query, query, { attnMask }).output,
  }));
};

const layerOptions = ({ norm_first: normFirst = false, activation = 'relu' }: About) => ({
  dimFeedforward: F,
  dropout: 0,
  batchFirst: true,
  normFirst,
  activation,
});

/** Beginnings of fixtures' names; the longest that fits counts. */
export const moduleFamilies: Readonly<Record<string, Family>> = {
  mha: attention,
  mha_heads: selfAttention,
  encoder_layer_: (engine, given, about) => {
    const [src, keyPaddingMask] = [on(engine, given, 'in.src'), on(engine, given, 'in.pad')];
    const out = (module: TransformerEncoderLayer) => module.forward(src, { keyPaddingMask });
    const made = new TransformerEncoderLayer(engine, C, HEADS, layerOptions(about));
    return filled(
      made,
      given,
      (module) => [['out', out(module)]],
      (module) => ({ inputs: { src }, out: () => out(module) }),
    );
  },
  decoder_layer_: (engine: Engine, given, about) => {
    const [tgt, memory] = [on(engine, given, 'in.tgt'), on(engine, given, 'in.memory')];
    const padding = { keyPaddingMask: on(engine, given, 'in.pad') };
    const out = (module: TransformerDecoderLayer, masks: LayerMasks) => module.forward(tgt, memory, { tgt: masks, memory: padding });
    const masks = { mask: on(engine, given, 'in.tgt_mask') };
    return filled(
      new TransformerDecoderLayer(engine, C, HEADS, layerOptions(about)),
      given,
      (module) => [
        ['out', out(module, masks)],
        ['out', out(module, { isCausal: true })],
      ],
      (module) => ({ inputs: { tgt, memory }, out: () => out(module, { isCausal: true }) }),
    );
  },
  transformer: (engine, given) => {
    const options = { dModel: C, nhead: HEADS, numEncoderLayers: 2, numDecoderLayers: 2, dimFeedforward: F, dropout: 0, batchFirst: true };
    const [src, tgt] = [on(engine, given, 'in.src'), on(engine, given, 'in.tgt')];
    const padding = { keyPaddingMask: on(engine, given, 'in.pad') };
    const masks = { src: padding, tgt: { mask: on(engine, given, 'in.tgt_mask') }, memory: padding };
    const out = (module: Transformer) => module.forward(src, tgt, masks);
    return filled(
      new Transformer(engine, options),
      given,
      (module) => [['out', out(module)]],
      (module) => ({ inputs: { src, tgt }, out: () => out(module) }),
    );
  },
};
