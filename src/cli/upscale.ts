/** `heed upscale`: a picture made larger, or better, as a PNG file. */
import { Command } from 'commander';
import { expectPng } from '../image/raw_image.js';
import { deterministicOption, type EngineFlags, modelOption, threadsOption, wholeNumber } from './options.js';
import { tellWritten } from './output.js';
import { pictureAt } from './picture_files.js';
import { withBar } from './progress.js';
import { withPipeline } from './work.js';

interface UpscaleFlags extends EngineFlags {
  model?: string;
  out: string;
  tile?: number;
}

export const upscaleCommand = new Command('upscale')
  .description('make a picture larger, or better')
  .argument('<image>', 'the picture: a file or an address, or - for standard input')
  .requiredOption('--out <file>', 'the PNG file to write')
  .addOption(modelOption('a model that makes pictures of pictures', 'image-to-image'))
  .option('--tile <n>', 'go through it in tiles of n pixels a side, 8 at least; smaller ones take less memory (default: 120)', wholeNumber)
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed upscale small.jpg --out large.png
  heed upscale small.jpg --out large.png --tile 64 --threads 2
  curl -s https://example.com/small.jpg | heed upscale - --out large.png`,
  )
  .action(upscale);

async function upscale(path: string, flags: UpscaleFlags): Promise<void> {
  const { out, tile } = flags;
  expectPng(out);
  await withPipeline('image-to-image', flags, async (upscale) => {
    const image = await pictureAt(path);
    const made = await withBar('upscaling', (update) => upscale(image, { tile, onProgress: update }));
    await made.save(out);
    tellWritten(out);
  });
}
