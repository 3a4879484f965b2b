/**
 * ResNet (He et al., arXiv 1512.03385) as what DETR reads pictures by: a convolution, the largest of neighbours, and stages of layers in which convolutions stand beside a shortcut,
 *
 *   relu(shortcut(x) + norm(conv(relu(norm(conv(x))))))
 *
 * all but the first of which halve the sides. Planes are [B, H, W, C].
 */
import type { Engine } from '../engine/engine.js';
import { JsonNode } from '../io/json.js';
import { Conv2d, FrozenBatchNorm } from '../nn/convolution2d.js';
import { Module } from '../nn/module.js';
import type { BatchNormOptions } from '../ops/batch_norm.js';
import { maxPool2d, type PlaneOptions } from '../ops/convolution2d.js';
import type { Tensor } from '../tensor.js';
import type { Names } from './architecture.js';
import { oneOf, sizeIn, unsupported } from './config.js';
import { below } from './names.js';
import type { Size } from './patch_stem.js';

/** What a ResNet is like. */
export interface ResNetSpec {
  /** Channels of pictures, of the first convolution, and of each stage. */
  channels: number;
  stem: number;
  widths: readonly number[];
  /** Layers of each stage. */
  depths: readonly number[];
  /** Whether layers are three convolutions, of which the middle one has a quarter of the channels, rather than two. */
  bottleneck: boolean;
  /** Whether the first stage halves the sides, too. */
  halvesFirst: boolean;
  /** Whether the first convolution of a bottleneck halves the sides, rather than the second. */
  halvesEarly: boolean;
  /** Whether the last stage looks at places that stand apart, rather than halve the sides (DC5). */
  dilated: boolean;
  /** Whose names the weights have. */
  names: 'timm' | 'transformers';
}

/** timm's models by their layers; all begin with 64 channels. */
const known: Readonly<Record<string, readonly [bottleneck: boolean, ...depths: number[]]>> = {
  resnet18: [false, 2, 2, 2, 2],
  resnet26: [true, 2, 2, 2, 2],
  resnet34: [false, 3, 4, 6, 3],
  resnet50: [true, 3, 4, 6, 3],
  resnet101: [true, 3, 4, 23, 3],
  resnet152: [true, 3, 8, 36, 3],
};

/** A ResNet that a model's config names, or describes as `backbone_config`. Throws UNSUPPORTED for other backbones. */
export function resnetIn(c: JsonNode): ResNetSpec {
  const given = c.get('backbone_config');
  const own = JsonNode.of(c.file, given ?? {}, 'backbone_config');
  if (given ? own.string('model_type', 'resnet') === 'timm_backbone' : c.boolean('use_timm_backbone', true))
    return namedIn(c, given ? own : c);
  return describedIn(own);
}

function namedIn(c: JsonNode, own: JsonNode): ResNetSpec {
  const [bottleneck, ...depths] = oneOf(own, 'backbone', { resnet50: known.resnet50, ...known }) as [boolean, ...number[]];
  const stem = 64;
  return {
    ...{
      channels: sizeIn(c, 'num_channels', 3),
      stem,
      widths: depths.map((_, i) => stem * (bottleneck ? 4 : 1) * 2 ** i),
      depths,
      bottleneck,
    },
    ...{ halvesFirst: false, halvesEarly: false, dilated: c.boolean('dilation', false), names: 'timm' },
  };
}

function describedIn(own: JsonNode): ResNetSpec {
  oneOf(own, 'model_type', { resnet: true });
  oneOf(own, 'hidden_act', { relu: true });
  const sizes = (key: string, absent: readonly number[]) => {
    const list = own.array(key, [...absent]) as readonly unknown[];
    if (list.length > 0 && list.every((n) => Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) <= 1 << 16))
      return list as readonly number[];
    throw own.error(`must have a list of whole numbers from 1 on for ${key}`);
  };
  const [widths, depths] = [sizes('hidden_sizes', [256, 512, 1024, 2048]), sizes('depths', [3, 4, 6, 3])];
  if (widths.length !== depths.length) throw own.error('must have as many hidden_sizes as depths');
  const last = `stage${depths.length}`;
  const read = own.array('out_features', [last]).at(-1);
  if (read !== last) throw unsupported(own, 'out_features', `the states of ${String(read)}, and heed's DETR reads those of ${last}`);
  return {
    ...{ channels: sizeIn(own, 'num_channels', 3), stem: sizeIn(own, 'embedding_size', 64, 1 << 16), widths, depths },
    bottleneck: oneOf(own, 'layer_type', { bottleneck: true, basic: false }),
    halvesFirst: own.boolean('downsample_in_first_stage', false),
    halvesEarly: own.boolean('downsample_in_bottleneck', false),
    ...{ dilated: false, names: 'transformers' },
  };
}

/** A convolution and its norm: [B, H, W, C] → [B, S, R, N]. Keys: conv, norm. */
class NormedConv extends Module {
  readonly #conv: Conv2d;
  readonly #norm: FrozenBatchNorm;

  constructor(engine: Engine, channels: number, outputs: number, kernel: number, options: PlaneOptions = {}) {
    super(engine);
    const padding = (options.dilation ?? 1) * Math.floor(kernel / 2);
    this.#conv = this.child('conv', new Conv2d(engine, channels, outputs, kernel, { ...options, padding, bias: false }));
    this.#norm = this.child('norm', new FrozenBatchNorm(engine, outputs));
  }

  forward(x: Tensor, options: BatchNormOptions): Tensor {
    return this.#norm.forward(this.#conv.forward(x), options);
  }
}

/** How a layer's windows stand: `dilations` of the first convolution that sees neighbours, and of another one. */
interface LayerWindows {
  stride: number;
  dilations: readonly [first: number, other: number];
}

/** Convolutions beside a shortcut. Keys: conv1 …, shortcut. */
class ResNetLayer extends Module {
  readonly #convs: readonly NormedConv[];
  readonly #shortcut: NormedConv | undefined;

  constructor(engine: Engine, inputs: number, outputs: number, { bottleneck, halvesEarly }: ResNetSpec, windows: LayerWindows) {
    super(engine);
    const { stride, dilations } = windows;
    const [first, other] = dilations;
    const narrow = Math.floor(outputs / 4);
    const convs: readonly (readonly [outputs: number, kernel: number, PlaneOptions])[] = bottleneck
      ? [
          [narrow, 1, { stride: halvesEarly ? stride : 1 }],
          [narrow, 3, { stride: halvesEarly ? 1 : stride, dilation: first }],
          [outputs, 1, {}],
        ]
      : [
          [outputs, 3, { stride, dilation: first }],
          [outputs, 3, { dilation: other }],
        ];
    this.#convs = convs.map(([N, kernel, options], i) =>
      this.child(`conv${i + 1}`, new NormedConv(engine, convs[i - 1]?.[0] ?? inputs, N, kernel, options)),
    );
    if (inputs !== outputs || stride !== 1) this.#shortcut = this.child('shortcut', new NormedConv(engine, inputs, outputs, 1, { stride }));
  }

  forward(x: Tensor): Tensor {
    const last = this.#convs.at(-1) as NormedConv;
    const h = this.#convs.slice(0, -1).reduce((h, conv) => conv.forward(h, { relu: true }), x);
    return last.forward(h, { residual: this.#shortcut?.forward(x, {}) ?? x, relu: true });
  }
}

/** Lines and columns of the planes of pictures of that size. */
export function resnetGrid({ depths, halvesFirst, dilated }: ResNetSpec, size: Size): Size {
  const halves = 1 + depths.length + Number(halvesFirst) - Number(dilated);
  // As often as that, ⌊(side − 1) / 2⌋ + 1.
  return size.map((side) => Math.ceil(side / 2 ** halves)) as unknown as Size;
}

/** Pictures [B, H, W, c] → planes [B, h, w, C]. Keys: stem, stage1.0 …. */
export class ResNet extends Module {
  /** Channels of the planes. */
  readonly outputs: number;
  readonly #stem: NormedConv;
  readonly #layers: readonly ResNetLayer[];

  constructor(
    engine: Engine,
    /** What it is like. */
    readonly spec: ResNetSpec,
  ) {
    super(engine);
    const { channels, stem, widths, depths, halvesFirst, dilated } = spec;
    this.outputs = widths.at(-1) as number;
    this.#stem = this.child('stem', new NormedConv(engine, channels, stem, 7, { stride: 2 }));
    this.#layers = depths.flatMap((depth, s) => {
      const isLast = s === depths.length - 1;
      const stride = (s === 0 && !halvesFirst) || (isLast && dilated) ? 1 : 2;
      const apart = isLast && dilated ? 2 : 1;
      return Array.from({ length: depth }, (_, l) => {
        const inputs = l > 0 ? (widths[s] as number) : (widths[s - 1] ?? stem);
        const windows = { stride: l > 0 ? 1 : stride, dilations: [l > 0 ? apart : 1, apart] as const };
        return this.child(`stage${s + 1}.${l}`, new ResNetLayer(engine, inputs, widths[s] as number, spec, windows));
      });
    });
  }

  /** The planes, yielding after each layer. */
  *steps(x: Tensor): Generator<void, Tensor> {
    const { engine } = this;
    let h = engine.scope(() => maxPool2d(this.#stem.forward(x, { relu: true }), 3, { stride: 2, padding: 1 }));
    for (const layer of this.#layers) {
      yield;
      const next = engine.scope(() => layer.forward(h));
      h.dispose();
      h = next;
    }
    return h;
  }
}

/** Names of a layer's convolutions and of its shortcut, and of all that is before the stages. */
const spellings = {
  timm: {
    stem: { 'stem.conv': 'conv1', 'stem.norm': 'bn1' },
    stage: (s: number) => `layer${s + 1}.{l}`,
    conv: (i: number) => ({ [`conv${i + 1}.conv`]: `conv${i + 1}`, [`conv${i + 1}.norm`]: `bn${i + 1}` }),
    shortcut: { 'shortcut.conv': 'downsample.0', 'shortcut.norm': 'downsample.1' },
  },
  transformers: {
    stem: { 'stem.conv': 'embedder.embedder.convolution', 'stem.norm': 'embedder.embedder.normalization' },
    stage: (s: number) => `encoder.stages.${s}.layers.{l}`,
    conv: (i: number) => ({ [`conv${i + 1}.conv`]: `layer.${i}.convolution`, [`conv${i + 1}.norm`]: `layer.${i}.normalization` }),
    shortcut: { 'shortcut.conv': 'shortcut.convolution', 'shortcut.norm': 'shortcut.normalization' },
  },
} as const;

/** Names of its weights. */
export function resnetWeights({ names, depths }: ResNetSpec): Names {
  const { stem, stage, conv, shortcut } = spellings[names];
  const layer = { ...conv(0), ...conv(1), ...conv(2), ...shortcut };
  return Object.assign({}, stem, ...depths.map((_, s) => below(`stage${s + 1}.{l}`, stage(s), layer)));
}
