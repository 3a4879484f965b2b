/** Checkpoints of pictures' encoders with random weights: what loads each, what it is given, and what Hugging Face's library says of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import {
  AutoModel,
  AutoModelForDepthEstimation,
  AutoModelForImageClassification,
  AutoModelForImageToImage,
  AutoModelForObjectDetection,
  AutoModelForSemanticSegmentation,
  CLIPTextModelWithProjection,
  CLIPVisionModelWithProjection,
} from '../../dist/entry/node.js';
import { HostTensor } from '../../dist/tensor.js';
import { numbersOf, readWeights, type Weight, type Weights } from './files.js';

export const folder = fileURLToPath(new URL('../fixtures/vision', import.meta.url));
export const json = (name: string, file = 'config.json') => JSON.parse(readFileSync(join(folder, name, file), 'utf8'));
export const tensors = (name: string, file = 'expected'): Weights => readWeights(readFileSync(join(folder, name, `${file}.safetensors`)));

export interface Loaded {
  (inputs: object, options?: object): Promise<Record<string, HostTensor | HostTensor[]>>;
  encoder: Awaited<ReturnType<typeof AutoModelForImageClassification.from_pretrained>>['encoder'];
  save_pretrained(folder: string, options?: object): Promise<void>;
  dispose(): void;
}

/** Every folder, and what loads it. */
const autos: readonly (readonly [RegExp, { from_pretrained: unknown }])[] = [
  [/_(classify|teacher)$/, AutoModelForImageClassification],
  [/_upscale$/, AutoModelForImageToImage],
  [/_detect$/, AutoModelForObjectDetection],
  [/_depth$/, AutoModelForDepthEstimation],
  [/^clip_text$/, CLIPTextModelWithProjection],
  [/^clip_vision$/, CLIPVisionModelWithProjection],
  [/_segment$/, AutoModelForSemanticSegmentation],
  [/^/, AutoModel],
];
export const cases = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
export const load = (name: string, path: string | Record<string, Uint8Array>, options: object) => {
  const [, auto] = autos.find(([ending]) => ending.test(name)) as (typeof autos)[number];
  return (auto.from_pretrained as (path: unknown, options: object) => Promise<Loaded>)(path, options);
};

export const host = ({ bytes, shape }: Weight) => new HostTensor('float32', new Float32Array(bytes.slice().buffer), [...shape]);
const whole = ({ bytes, shape }: Weight) => new HostTensor('int32', new Int32Array(bytes.slice().buffer), [...shape]);

/** What a model is called with, in its own size or, `wide.`, in another. */
export function inputsOf(name: string, before = ''): Record<string, HostTensor> {
  const { [`${before}pixel_values`]: pixels, [`${before}pixel_mask`]: mask, input_ids, attention_mask } = tensors(name);
  return {
    ...(pixels && { pixel_values: host(pixels) }),
    ...(mask && { pixel_mask: whole(mask) }),
    ...(input_ids && { input_ids: whole(input_ids) }),
    ...(attention_mask && { attention_mask: whole(attention_mask) }),
  };
}

export const apart = (got: HostTensor, want: Weight): number => {
  expect(got.dims).toEqual(want.shape);
  expect(got.data.every((x) => Number.isFinite(x))).toBe(true);
  return numbersOf(want).reduce((all, x, i) => Math.max(all, Math.abs(x - (got.data[i] as number))), 0);
};

/** What a model has no use for: a token for what is masked is for pretraining alone, a count of batches for training, and scores of the mean of all patches need no other vector. */
export const unread = (name: string, key: string): boolean =>
  /mask_token$|num_batches_tracked$/.test(key) ||
  ({ clip_classify: /post_layernorm/, siglip_classify: /model\.head\./ }[name]?.test(key) ?? false);

/** Prefixes that transformers 5 leaves out where one encoder of two is alone, and heed, as transformers 4, writes; either reads both. */
export const prefixes: Readonly<Record<string, string>> = {
  clip_vision_bare: 'vision_model.',
  siglip_vision: 'vision_model.',
  siglip_text: 'text_model.',
};

/** What models are given, and, of detectors, what heed gives without a head alone. */
const beside = (name: string) =>
  name.endsWith('_detect') ? /pixel_values$|pixel_mask$|last_hidden_state$/ : /pixel_values$|pixel_mask$|^input_ids$|^attention_mask$/;

export async function expectHuggingFace(model: Loaded, name: string): Promise<void> {
  const expected = Object.entries(tensors(name)).filter(([key]) => !beside(name).test(key));
  const others = /_text$/.test(name) ? [] : ['wide.', 'padded.'];
  for (const before of ['', ...others]) {
    const wanted = expected.filter(([key]) => (before ? key.startsWith(before) : !others.some((one) => key.startsWith(one))));
    if (before === 'padded.' && wanted.length === 0) continue;
    const insights = before === '' && expected.some(([key]) => /^(attn|\w+_attentions)\./.test(key));
    const { hidden_states, attentions, ...out } = await model(
      inputsOf(name, before),
      insights ? { output_hidden_states: true, output_attentions: true } : {},
    );
    const got: Record<string, HostTensor> = { ...(out as Record<string, HostTensor>) };
    for (const [i, x] of ((hidden_states ?? []) as HostTensor[]).entries()) got[`hidden.${i}`] = x;
    for (const [i, x] of ((attentions ?? []) as HostTensor[]).entries()) got[`attn.${i}`] = x;
    // Those of an encoder and a decoder have names of their own.
    for (const [key, list] of Object.entries(out)) {
      if (!Array.isArray(list)) continue;
      delete got[key];
      for (const [i, x] of list.entries()) got[`${key}.${i}`] = x;
    }
    expect(wanted.length).toBeGreaterThan(0);
    expect(Object.keys(got).sort()).toEqual(wanted.map(([key]) => key.slice(before.length)).sort());
    for (const [key, want] of wanted) expect(apart(got[key.slice(before.length)] as HostTensor, want), key).toBeLessThan(1e-4);
  }
}
