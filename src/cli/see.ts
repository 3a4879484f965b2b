/** `heed see`: what pictures show. The labels are those that a model was trained for, or with --labels any others, which an encoder of texts and pictures weighs. */
import { Command } from 'commander';
import { HeedError } from '../errors.js';
import type { RawImage } from '../image/raw_image.js';
import type { Classification } from '../pipelines/scores.js';
import { failed } from './failures.js';
import { deterministicOption, type EngineFlags, jsonOption, listOption, modelOption, threadsOption, topKOption } from './options.js';
import { print } from './output.js';
import { pictureAt } from './picture_files.js';
import { withBar } from './progress.js';
import { columns, shares, shorten } from './terminal.js';
import { withPipeline } from './work.js';

interface SeeFlags extends EngineFlags {
  model?: string;
  labels?: string[];
  template?: string;
  topK: number;
  json?: boolean;
}

export const seeCommand = new Command('see')
  .description('tell what pictures show')
  .argument('<image...>', 'pictures: files or addresses, or - for standard input')
  .addOption(modelOption('a model that classifies pictures', 'image-classification'))
  .addOption(listOption('--labels <a,b…>', 'labels of your own; the model is a CLIP or a SigLIP then'))
  .option('--template <text>', 'with --labels: the text of a label, {} for the label (default: "This is a photo of {}")')
  .addOption(topKOption('labels of a picture, the likeliest first'))
  .addOption(jsonOption('an object with image and labels per picture, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed see cat.jpg dog.png --top-k 1
  heed see pet.jpg --labels "a cat,a dog" --model ./clip-vit-base-patch32`,
  )
  .action(see);

async function see(images: string[], flags: SeeFlags): Promise<void> {
  const { labels, template: hypothesis_template, topK: top_k } = flags;
  if (labels)
    return withPipeline('zero-shot-image-classification', flags, (classify) =>
      eachOf(images, flags, async (image) => (await classify(image, labels, { hypothesis_template })).slice(0, top_k)),
    );
  if (hypothesis_template !== undefined)
    throw new HeedError('ARGUMENT', '--template is of no use without --labels', { culprit: '--template', cure: 'Give --labels a,b,c' });
  return withPipeline('image-classification', flags, (classify) => eachOf(images, flags, (image) => classify(image, { top_k })));
}

/** Pictures one by one: each is printed when it is done. One that cannot be read is told, and does not keep others from being seen. */
async function eachOf(images: string[], { json }: SeeFlags, classify: (image: RawImage) => Promise<Classification[]>): Promise<void> {
  for (const image of images) {
    const picture = await pictureAt(image).catch((error: unknown) => {
      process.exitCode = failed(error);
    });
    if (!picture) continue;
    const labels = await withBar('looking', () => classify(picture));
    const bars = () => shares(labels.map(({ label, score }) => ({ name: label, share: score })));
    await print(json ? `${JSON.stringify({ image, labels })}\n` : `${shorten(image, columns())}\n${bars()}`);
  }
}
