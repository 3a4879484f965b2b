/** PyTorch's values for modules: each is filled with the fixture's parameters, gives them back unchanged, and computes the same. */
import type { Engine } from 'heed';
import { type Module, MultiheadAttention, Transformer, TransformerDecoderLayer, TransformerEncoderLayer } from 'heed/nn';
import type { Tensor } from 'heed/ops';
import { assert } from './check.js';
import type { Named } from './fixtures.js';
import { type About, type Answers, type Family, on } from './torch-ops.js';

const [C, HEADS, F] = [32, 4, 48];

/** Fills a module, asks for what was filled in, runs `forward`, lets go of the module. */
function filled<M extends Module>(module: M, given: Named, forward: (module: M) => Answers): Answers {
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
    return forward(module);
  } finally {
    module.dispose();
  }
}

const attention: Family = (engine, given, about) => {
  const { bias = true, kdim = C, vdim = C, add_bias_kv: addBiasKv = false, add_zero_attn: addZeroAttn = false } = about;
  const module = new MultiheadAttention(engine, C, HEADS, { batchFirst: true, bias, kdim, vdim, addBiasKv, addZeroAttn });
  return filled(module, given, () => {
    const [query, key, value] = ['query', 'key', 'value'].map((name) => on(engine, given, `in.${name}`)) as [Tensor, Tensor, Tensor];
    const { output, weights } = module.forward(query, key, value, { keyPaddingMask: on(engine, given, 'in.pad'), needWeights: true });
    return [
      ['out', output],
      ['attn', weights as Tensor],
    ];
  });
};

const selfAttention: Family = (engine, given) =>
  filled(new MultiheadAttention(engine, C, HEADS, { batchFirst: true }), given, (module) => {
    const x = on(engine, given, 'in.query');
    const attnMask = on(engine, given, 'in.attn_mask');
    const masked = module.forward(x, x, x, { attnMask, needWeights: true, averageAttnWeights: false });
    return [
      ['out', masked.output],
      ['attn', masked.weights as Tensor],
      // The mask is a causal one: the flag must do as well.
      ['out', module.forward(x, x, x, { isCausal: true }).output],
    ];
  });

const layerOptions = ({ norm_first: normFirst = false, activation = 'relu' }: About) => ({
  dimFeedforward: F,
  batchFirst: true,
  normFirst,
  activation,
});

/** Beginnings of fixtures' names; the longest that fits counts. */
export const moduleFamilies: Readonly<Record<string, Family>> = {
  mha: attention,
  mha_heads: selfAttention,
  encoder_layer_: (engine, given, about) =>
    filled(new TransformerEncoderLayer(engine, C, HEADS, layerOptions(about)), given, (module) => [
      ['out', module.forward(on(engine, given, 'in.src'), { keyPaddingMask: on(engine, given, 'in.pad') })],
    ]),
  decoder_layer_: (engine: Engine, given, about) =>
    filled(new TransformerDecoderLayer(engine, C, HEADS, layerOptions(about)), given, (module) => {
      const [tgt, memory] = [on(engine, given, 'in.tgt'), on(engine, given, 'in.memory')];
      const padding = { keyPaddingMask: on(engine, given, 'in.pad') };
      return [
        ['out', module.forward(tgt, memory, { tgt: { mask: on(engine, given, 'in.tgt_mask') }, memory: padding })],
        ['out', module.forward(tgt, memory, { tgt: { isCausal: true }, memory: padding })],
      ];
    }),
  transformer: (engine, given) => {
    const options = { dModel: C, nhead: HEADS, numEncoderLayers: 2, numDecoderLayers: 2, dimFeedforward: F, batchFirst: true };
    return filled(new Transformer(engine, options), given, (module) => {
      const padding = { keyPaddingMask: on(engine, given, 'in.pad') };
      const tgt = { mask: on(engine, given, 'in.tgt_mask') };
      return [['out', module.forward(on(engine, given, 'in.src'), on(engine, given, 'in.tgt'), { src: padding, tgt, memory: padding })]];
    });
  },
};
