/** sentence-transformers' modules with weights: Dense, y = f(W x + b) with a residual where its config asks for one, and LayerNorm. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { checkpointIn } from '../io/checkpoint.js';
import type { Folder } from '../io/folder.js';
import { quote } from '../io/header.js';
import { JsonNode, readJson } from '../io/json.js';
import { isObserved } from '../io/progress.js';
import type { Progress } from '../io/weights.js';
import { exp } from '../math.js';
import type { Spelt } from '../models/architecture.js';
import { loadWeights } from '../models/load.js';
import { LayerNorm, Linear } from '../nn/layers.js';
import { Module } from '../nn/module.js';
import { gelu } from '../ops/activation.js';
import type { OpenOptions } from '../runtime/types.js';
import { type Tensor, tensor } from '../tensor.js';
import type { SentenceModule, SentenceModuleKind } from './sentence_modules.js';

/** A function of one number, on the host, or of a tensor. */
type Activation = { each(x: number): number } | { all(x: Tensor): Tensor };

const sigmoid = (x: number) => 1 / (1 + exp(-x));
const tanh = (x: number) => Math.fround(Math.tanh(x));
const softplus = (x: number) => Math.fround(x > 20 ? x : Math.log1p(Math.exp(x)));
const clamp = (x: number, low: number, high: number) => Math.min(high, Math.max(low, x));
const elu = (x: number) => (x > 0 ? x : Math.fround(Math.expm1(x)));

/** PyTorch's modules, with the arguments that they have by default. */
const activations: Readonly<Record<string, Activation>> = {
  Identity: { each: (x) => x },
  Tanh: { each: tanh },
  ReLU: { each: (x) => Math.max(0, x) },
  GELU: { all: (x) => gelu(x) },
  Sigmoid: { each: sigmoid },
  SiLU: { each: (x) => x * sigmoid(x) },
  Mish: { each: (x) => x * tanh(softplus(x)) },
  LeakyReLU: { each: (x) => (x > 0 ? x : 0.01 * x) },
  ELU: { each: elu },
  SELU: { each: (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * elu(x)) },
  ReLU6: { each: (x) => clamp(x, 0, 6) },
  Hardtanh: { each: (x) => clamp(x, -1, 1) },
  Hardswish: { each: (x) => (x * clamp(x + 3, 0, 6)) / 6 },
  Softplus: { each: softplus },
  Softsign: { each: (x) => x / (1 + Math.abs(x)) },
};

class Dense extends Module {
  readonly linear: Linear;
  readonly residual: Linear | undefined;

  constructor(
    engine: Engine,
    readonly inputs: number,
    readonly outputs: number,
    bias: boolean,
    readonly activation: Activation,
    readonly adds: boolean,
  ) {
    super(engine);
    this.linear = this.child('linear', new Linear(engine, inputs, outputs, { bias }));
    if (adds && inputs !== outputs) this.residual = this.child('residual', new Linear(engine, inputs, outputs, { bias: false }));
  }

  run(vectors: Float32Array): Float32Array {
    const { activation } = this;
    return this.engine.scope(() => {
      const x = tensor(this.engine, vectors, [vectors.length / this.inputs, this.inputs]);
      const y = this.linear.forward(x);
      const out = ('all' in activation ? activation.all(y) : y).toHost().data as Float32Array;
      const made = 'each' in activation ? out.map(activation.each) : out;
      if (!this.adds) return made;
      const before = (this.residual?.forward(x) ?? x).toHost().data as Float32Array;
      return made.map((value, i) => value + (before[i] as number));
    });
  }
}

class Norm extends Module {
  readonly norm: LayerNorm;

  constructor(
    engine: Engine,
    readonly inputs: number,
  ) {
    super(engine);
    this.norm = this.child('norm', new LayerNorm(engine, inputs));
  }

  get outputs(): number {
    return this.inputs;
  }

  run(vectors: Float32Array): Float32Array {
    const shape = [vectors.length / this.inputs, this.inputs];
    return this.engine.scope(() => this.norm.forward(tensor(this.engine, vectors, shape)).toHost().data as Float32Array);
  }
}

/** A kind of module that is made from config.json, with weights under the module's own names. */
const kind = (name: string, make: (engine: Engine, config: JsonNode) => Module & SentenceModule): SentenceModuleKind => ({
  name,
  async load(engine: Engine, folder: Folder, { signal }: OpenOptions) {
    const config = JsonNode.of(folder.locate('config.json'), await readJson(folder, 'config.json', { signal }));
    const onProgress = isObserved(folder) ? ({ file, loaded, total }: Progress) => folder.progress(file, loaded, total) : undefined;
    // The architecture needs only its spelling of names: those of the module, without ties.
    const spelt = { name, weights: undefined, ties: [] } as unknown as Spelt;
    return loadWeights(() => make(engine, config), spelt, folder.name, checkpointIn(folder), { signal, onProgress });
  },
});

const size = (config: JsonNode, key: string): number => {
  const value = config.integer(key, 1 << 20);
  if (value === 0) throw config.error(`must have ${key} above 0`);
  return value;
};

/**
 * sentence-transformers' Dense, for `registerSentenceModule`: a linear layer and an activation behind the pooling, [B, in_features] → [B,
 * out_features].
 */
export const dense = kind('Dense', (engine, config) => {
  const refuse = (key: string, value: string, cure: string) =>
    new HeedError('UNSUPPORTED', `${config.file} asks for ${key} ${quote(value)}`, { culprit: key, cure });
  for (const key of ['module_input_name', 'module_output_name']) {
    const name = config.string(key, 'sentence_embedding');
    if (name !== 'sentence_embedding') throw refuse(key, name, 'heed has sentence_embedding');
  }
  const path = config.string('activation_function', 'torch.nn.modules.activation.Tanh');
  const activation = path.split('.').at(-1) ?? '';
  const known = path.startsWith('torch.') && Object.hasOwn(activations, activation) ? activations[activation] : undefined;
  if (!known) throw refuse('activation_function', path, `heed has torch.nn’s ${Object.keys(activations).join(', ')}`);
  const [inputs, outputs] = [size(config, 'in_features'), size(config, 'out_features')];
  return new Dense(engine, inputs, outputs, config.boolean('bias', true), known, config.boolean('use_residual', false));
});

/** sentence-transformers' LayerNorm, for `registerSentenceModule`: [B, C] → [B, C]. */
export const layerNormModule = kind('LayerNorm', (engine, config) => new Norm(engine, size(config, 'dimension')));
