/** `heed detect`: what is where in a picture, as a list, as JSON, or as frames on a copy of the picture. */
import { Command } from 'commander';
import { expectPng, type RawImage } from '../image/raw_image.js';
import type { Box, Detection } from '../pipelines/object_detection.js';
import { deterministicOption, type EngineFlags, jsonOption, modelOption, numberIn, threadsOption } from './options.js';
import { print, tellWritten } from './output.js';
import { pictureAt } from './picture_files.js';
import { withBar } from './progress.js';
import { bold, percent } from './terminal.js';
import { withPipeline } from './work.js';

interface DetectFlags extends EngineFlags {
  model?: string;
  threshold: number;
  out?: string;
  json?: boolean;
}

const shareOf = (text: string): number =>
  numberIn(text, (value) => (value >= 0 && value <= 1 ? undefined : 'It must be a number from 0 to 1.'));

export const detectCommand = new Command('detect')
  .description('tell what is where in a picture')
  .argument('<image>', 'the picture: a file or an address, or - for standard input')
  .addOption(modelOption('a model that detects objects', 'object-detection'))
  .option('--threshold <share>', 'the least probability of what is told', shareOf, 0.9)
  .option('--out <file>', 'a PNG file to write: the picture with a frame around everything')
  .addOption(jsonOption('a list of objects with label, score and box, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed detect street.jpg --threshold 0.5
  heed detect street.jpg --out boxes.png`,
  )
  .action(detect);

async function detect(path: string, flags: DetectFlags): Promise<void> {
  const { threshold, out, json } = flags;
  if (out !== undefined) expectPng(out);
  await withPipeline('object-detection', flags, async (find) => {
    const image = await pictureAt(path);
    const found = await withBar('looking', () => find(image, { threshold }));
    if (out) {
      await framed(image, found).save(out);
      tellWritten(out);
    }
    await print(json ? `${JSON.stringify(found)}\n` : found.map(lineOf).join(''));
  });
}

const lineOf = ({ label, score, box: { xmin, ymin, xmax, ymax } }: Detection): string =>
  `${percent(score)}  ${bold(label)}  ${xmin}, ${ymin} to ${xmax}, ${ymax}\n`;

/** Colours of labels, one after the other: such as differ to those who see few colours, too (Okabe & Ito 2008). */
const colours = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [213, 94, 0],
  [204, 121, 167],
] as const;

/** A copy of the picture with a frame around everything, a colour for each label. */
function framed(image: RawImage, found: readonly Detection[]): RawImage {
  const copy = image.clone().rgb();
  const labels = [...new Set(found.map(({ label }) => label))];
  const width = Math.max(1, Math.round(Math.min(copy.width, copy.height) / 150));
  for (const { label, box } of found) frame(copy, box, width, colours[labels.indexOf(label) % colours.length] as (typeof colours)[number]);
  return copy;
}

/** Draws the edges of a box, from the inside, as far as they are in the picture. */
function frame({ data, width: W, height: H }: RawImage, { xmin, ymin, xmax, ymax }: Box, width: number, colour: readonly number[]): void {
  const inside = (x: number, y: number) => x >= xmin + width && x <= xmax - width && y >= ymin + width && y <= ymax - width;
  for (let y = Math.max(0, ymin); y <= Math.min(H - 1, ymax); y++)
    for (let x = Math.max(0, xmin); x <= Math.min(W - 1, xmax); x++) if (!inside(x, y)) data.set(colour, (y * W + x) * 3);
}
