/** preprocessor_config.json: what each kind of image processor does where the file does not say, and what the file says. */
import { HeedError } from '../errors.js';
import type { JsonNode } from '../io/json.js';
import { type Resampling, resamplings } from './resample.js';
import { type SizeRule, sizeRule } from './sizes.js';

/** Steps that pictures go through, in this order. */
export interface ImageProcessorConfig {
  /** Name of the processor, without the library's suffixes: 'ViTImageProcessor'. */
  readonly kind: string;
  /** Size to resize to; undefined where pictures keep theirs. */
  readonly size: SizeRule | undefined;
  /** Filter of the resizing. */
  readonly resample: Resampling;
  /** Size of the middle that is cut out, or undefined. */
  readonly crop: SizeRule | undefined;
  /** Share of the resized picture that the middle is, for the kinds that cut so. */
  readonly cropShare: number | undefined;
  /** Factor of the bytes; undefined for none. */
  readonly rescale: number | undefined;
  /** Mean and deviation of each channel, or undefined. */
  readonly normal: { readonly mean: readonly number[]; readonly std: readonly number[] } | undefined;
  /** Padding, or undefined: to the batch's largest picture, mirrored to multiples, or black around to multiples. */
  readonly pad: 'batch' | 'mirror' | 'around' | undefined;
  /** Size that the batch is padded to, or undefined. */
  readonly padSize: SizeRule | undefined;
  /** Multiple that padding makes. */
  readonly divisor: number;
  /** `true` where blue comes first. */
  readonly flips: boolean;
  /** `true` where resizing keeps the ratio of edges, for depth models. */
  readonly keepsRatio: boolean;
  /** Multiple that resizing makes. */
  readonly multiple: number;
}

const half = [0.5, 0.5, 0.5];
const imagenet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
const standard = { image_mean: half, image_std: half };
const openai = { image_mean: [0.48145466, 0.4578275, 0.40821073], image_std: [0.26862954, 0.26130258, 0.27577711] };

const square = (edge: number) => ({ height: edge, width: edge });
const usual = { do_resize: true, do_rescale: true, do_normalize: true };
const cropped = { ...usual, do_center_crop: true, crop_size: square(224) };
const clip = { ...cropped, ...openai, size: { shortest_edge: 224 }, resample: 3 };
const detr = { ...usual, ...imagenet, size: { shortest_edge: 800, longest_edge: 1333 }, resample: 2, do_pad: true, pads: 'batch' };
const mobile = { ...cropped, ...standard, size: { shortest_edge: 256 }, resample: 2 };

/** Members that a file may leave out, by the kind of the processor, as transformers has them. `pads` is how the kind pads. */
const kinds: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ViT: { ...usual, ...standard, size: square(224), resample: 2 },
  DeiT: { ...cropped, ...standard, size: square(256), resample: 3 },
  Beit: { ...usual, ...standard, size: square(224), crop_size: square(224), resample: 3 },
  CLIP: clip,
  ChineseCLIP: clip,
  Bit: clip,
  Siglip: { ...usual, ...standard, size: square(224), resample: 3 },
  Blip: { ...usual, ...openai, size: square(384), resample: 3 },
  OwlViT: { ...usual, ...openai, size: square(768), crop_size: square(768), resample: 3 },
  DINOv3ViT: { ...usual, ...imagenet, size: square(224), resample: 2 },
  Pvt: { ...usual, ...imagenet, size: square(224), resample: 3 },
  ConvNext: { ...usual, ...standard, size: { shortest_edge: 384 }, resample: 3, crop_pct: 224 / 256 },
  MobileNetV1: mobile,
  MobileNetV2: mobile,
  MobileViT: {
    ...cropped,
    size: { shortest_edge: 224 },
    crop_size: square(256),
    resample: 3,
    do_normalize: false,
    do_flip_channel_order: true,
  },
  Detr: detr,
  ConditionalDetr: detr,
  DeformableDetr: detr,
  Yolos: { ...detr, resizes: 16 },
  Segformer: { ...usual, ...imagenet, size: square(512), resample: 2 },
  DPT: { ...usual, ...standard, size: square(384), resample: 3, pads: 'around' },
  Swin2SR: { do_rescale: true, do_pad: true, pads: 'mirror' },
};

/** Reads a preprocessor_config.json. Throws UNSUPPORTED for another kind of processor, FORMAT. */
export function imageProcessorConfig(node: JsonNode): ImageProcessorConfig {
  const type = node.string('image_processor_type', undefined) ?? node.string('feature_extractor_type', undefined);
  const kind = type?.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, '');
  const defaults = kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (kind === undefined || !defaults)
    throw new HeedError('UNSUPPORTED', `${node.file}: there is no image processor ${type ?? 'by type'}`, {
      culprit: 'image_processor_type',
      cure: `There is one for ${Object.keys(kinds).join(', ')}`,
    });
  const { file } = node;
  const whole = (key: string, fallback: number) =>
    node.integer(key, 1 << 16, (defaults[key] as number | undefined) ?? fallback) || fallback;
  const is = (key: string) => node.boolean(key, (defaults[key] as boolean | undefined) ?? false);
  const value = (key: string) => node.get(key) ?? defaults[key];
  const isSquare = !(defaults.size && Object.hasOwn(defaults.size, 'shortest_edge'));
  const rule = (key: string, square: boolean) => (value(key) === undefined ? undefined : sizeRule(file, key, value(key), square));
  const size = is('do_resize') ? rule('size', isSquare) : undefined;
  const most = node.integer('max_size', 1 << 16, undefined);
  const pads = defaults.pads as ImageProcessorConfig['pad'];
  const divisor = whole('size_divisor', pads === 'mirror' ? whole('pad_size', 8) : 0);
  return {
    kind,
    size: size?.shortest_edge && most ? { ...size, longest_edge: most } : size,
    resample: resampling(file, value('resample') ?? 2),
    crop: is('do_center_crop') ? rule('crop_size', true) : undefined,
    cropShare: defaults.crop_pct === undefined ? undefined : number(file, 'crop_pct', value('crop_pct')),
    rescale: is('do_rescale') ? number(file, 'rescale_factor', value('rescale_factor') ?? 1 / 255) : undefined,
    normal: is('do_normalize')
      ? { mean: channels(file, 'image_mean', value('image_mean')), std: channels(file, 'image_std', value('image_std')) }
      : undefined,
    // Files of older versions say pad_and_return_pixel_mask; batches are padded all the same.
    pad: is('do_pad') && (pads !== 'around' || divisor) ? (pads ?? 'batch') : undefined,
    padSize: pads === 'mirror' || !is('do_pad') ? undefined : rule('pad_size', true),
    divisor,
    flips: is('do_flip_channel_order'),
    keepsRatio: is('keep_aspect_ratio'),
    multiple: (defaults.resizes as number | undefined) ?? whole('ensure_multiple_of', 1),
  };
}

const wrong = (file: string, key: string, what: string) => new HeedError('FORMAT', `${file}: ${key} must be ${what}`, { culprit: file });

function resampling(file: string, code: unknown): Resampling {
  const name = typeof code === 'number' ? resamplings[code] : undefined;
  if (name) return name;
  throw wrong(file, 'resample', `a number from 0 to ${resamplings.length - 1}: ${resamplings.join(', ')}`);
}

function number(file: string, key: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value !== 0) return value;
  throw wrong(file, key, 'a number other than 0');
}

/** One number for all channels, or one for each. */
function channels(file: string, key: string, value: unknown): readonly number[] {
  const list = typeof value === 'number' ? [value, value, value] : value;
  const fits = Array.isArray(list) && list.length === 3 && list.every((x) => typeof x === 'number' && Number.isFinite(x));
  if (fits && !(key === 'image_std' && list.includes(0))) return list;
  throw wrong(file, key, key === 'image_std' ? 'three numbers other than 0' : 'three numbers');
}
