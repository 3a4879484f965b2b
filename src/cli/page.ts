/** `heed page`: the server's page as files for any host of files, with heed beside it: models run in the visitor's browser. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { namedModel } from './named_model.js';
import { several } from './options.js';
import { tellWritten } from './output.js';

/** dist, which this file's bundle lies in. */
const dist = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What the page may do: run its own scripts and kernels, and ask its own host and the hub's for files. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' https://huggingface.co https://*.huggingface.co https://*.hf.co",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

interface PageFlags {
  out: string;
  model?: string[];
}

export const pageCommand = new Command('page')
  .description('write a page for any host of files, in which models run in the browser of who opens it')
  .requiredOption('--out <folder>', 'folder to write to')
  .option(
    '--model <model>',
    'a model that the page offers: a name on the hub, or an address, seen from the page; or NAME=MODEL. May be given several times',
    several,
  )
  .addHelpText(
    'after',
    `
Examples:
  heed page --out ./site
  heed page --out ./site --model HuggingFaceTB/SmolLM2-135M-Instruct --model embed=./models/all-MiniLM-L6-v2`,
  )
  .action(page);

async function page({ out, model = [] }: PageFlags): Promise<void> {
  const files: string[] = JSON.parse(await readFile(join(dist, 'page/files.json'), 'utf8'));
  for (const file of [...files, 'page/main.js', 'page/main.css']) {
    await mkdir(dirname(join(out, file)), { recursive: true });
    await copyFile(join(dist, file), join(out, file));
  }
  const html = await readFile(join(dist, 'page/index.html'), 'utf8');
  const own = html
    .replace('data-backend="server"', 'data-backend="worker"')
    .replace('<meta charset="utf-8">', `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`);
  await writeFile(join(out, 'models.json'), JSON.stringify(model.map(namedModel).map(([name, source]) => ({ name, source }))));
  await writeFile(join(out, 'index.html'), own);
  tellWritten(join(out, 'index.html'));
}
