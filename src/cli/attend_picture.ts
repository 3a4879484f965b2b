/** `heed attend` of a picture: what the class token of a model attends to in it, head by head of a layer or of all layers together, drawn over it or as numbers. */
import { HeedError } from '../errors.js';
import { ImageProcessor } from '../image/processor.js';
import { expectPng } from '../image/raw_image.js';
import type { Folder } from '../io/folder.js';
import type { DualEncoder } from '../models/dual_encoder.js';
import type { ImageEncoder } from '../models/image_encoder.js';
import type { Model } from '../models/model.js';
import type { Nested } from '../tensor.js';
import { heatPicture } from './heat_picture.js';
import { print, tellWritten } from './output.js';
import { pictureAt } from './picture_files.js';

/** What is asked about a picture. */
export interface PictureFlags {
  out?: string;
  json?: boolean;
  layer?: number;
  rollout?: boolean;
}

/** Whether a model reads pictures alone, or is the side of one that does. */
export const readsPictures = ({ encoder }: Pick<Model, 'encoder'>): boolean =>
  (encoder.inputNames as readonly string[]).includes('pixel_values');

/** Writes and prints what a model attends to in a picture. */
export async function attendPicture(
  path: string,
  model: Model,
  folder: Folder,
  { out, json, layer, rollout }: PictureFlags,
): Promise<void> {
  if (out) expectPng(out);
  const { engine } = model;
  const encoder = model.encoder as unknown as Partial<Pick<ImageEncoder | DualEncoder, 'patches'>>;
  if (!encoder.patches)
    throw new HeedError(
      'UNSUPPORTED',
      'The model does not attend from all patches of a picture to all, and what it attends to is not drawn',
      {
        culprit: '--model',
        cure: 'Name a ViT, DeiT, DINOv2 or DINOv3, CLIP, SigLIP, YOLOS or Depth Anything',
      },
    );
  const processor = await ImageProcessor.load(folder);
  const image = await pictureAt(path);
  const { pixel_values } = processor.run(engine, [image]);
  const { attentions } = await model({ pixel_values }, { output_attentions: true });
  const [, , height, width] = pixel_values.dims as [number, number, number, number];
  const { first, grid, patch } = encoder.patches([height, width]);
  if (layer !== undefined && layer > attentions.length)
    throw new HeedError('ARGUMENT', `--layer is ${layer}`, { culprit: '--layer', cure: `The model has ${attentions.length} layers` });
  const { attentionOverPatches } = await import('../pictures/index.js');
  const heat = () => attentionOverPatches({ attentions, grid, first, layer: (layer ?? attentions.length) - 1, rollout });
  if (out) {
    await heatPicture(engine, processor.prepared(engine, image), heat(), patch).save(out);
    tellWritten(out);
  }
  if (!json) return;
  const told = rollout
    ? { rollout: (heat().tolist() as Nested[])[0] }
    : { attentions: attentions.map((each) => (each.tolist() as Nested[])[0]) };
  await print(`${JSON.stringify({ image: path, patches: grid, first, ...told })}\n`);
}
