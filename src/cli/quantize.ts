/**
 * `heed quantize`: makes a model in 8 bits or 4 from one in floats, in a folder of its own, with its tokenizer and other files. Then both read the same texts,
 * so that the last line reports the loss.
 */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { readParts } from '../models/parts.js';
import { type EmbeddingDtype, embeddingDtypes } from '../models/quantization.js';
import { quantizeCheckpoint, type Saved } from '../models/quantize_checkpoint.js';
import { isFileUrl } from '../runtime/node-files.js';
import { type Fidelity, fidelity } from './fidelity.js';
import { readText } from './files.js';
import { deterministicOption, type EngineFlags, jsonOption, threadsOption } from './options.js';
import { print } from './output.js';
import { withBar } from './progress.js';
import { size } from './sizes.js';
import { modelFolder, withEngine } from './work.js';

interface QuantizeFlags extends EngineFlags {
  out: string;
  dtype: 'q8' | 'q4';
  embeddings?: EmbeddingDtype;
  force?: boolean;
  check: boolean;
  text?: string;
  json?: boolean;
}

export const quantizeCommand = new Command('quantize')
  .description('make a model in 8 bits, or in 4, out of one in floats')
  .argument('<model>', "folder, URL, or name on Hugging Face's hub of a model, of any architecture and task that heed has")
  .addOption(new Option('--out <dir>', 'the folder to write').makeOptionMandatory())
  .addOption(new Option('--dtype <type>', 'bits of a weight: q8, or q4').choices(['q8', 'q4']).default('q8'))
  .addOption(new Option('--embeddings <type>', 'with --dtype q4, bits of tables and outputs (default: q8)').choices([...embeddingDtypes]))
  .option('--force', 'write into a folder that holds a model already')
  .option('--no-check', 'do not compare the two models')
  .option('--text <file>', 'lines that the two models are compared on (default: eight sentences in English)')
  .addOption(jsonOption('one JSON object'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Matrices and tables become 8-bit numbers with a scale for every 32; norms, biases and rows of token types stay floats.
With --dtype q4 matrices become 4-bit numbers with a scale and a minimum for every 32; tables of words and positions, and outputs, have 8 bits, or with --embeddings q4 as many.

Examples:
  heed quantize ./all-MiniLM-L6-v2 --out ./all-MiniLM-L6-v2-q8
  heed quantize ./all-MiniLM-L6-v2 --out ./all-MiniLM-L6-v2-q4 --dtype q4
  heed quantize ./opus-mt-en-de --out ./opus-mt-en-de-q8 --no-check
  heed embed "a cat" "a kitten" --model ./all-MiniLM-L6-v2-q8`,
  )
  .action((model: string, flags: QuantizeFlags) => withEngine(flags, (engine) => quantize(engine, model, flags)));

/** `true` where the output would overwrite the model itself, under any name: a link, a file: URL. */
async function isSame(folder: Folder, out: string): Promise<boolean> {
  const real = (path: string) => realpath(isFileUrl(path) ? fileURLToPath(path) : path).catch(() => undefined);
  const [from, to] = await Promise.all([real(dirname(folder.locate('config.json'))), real(out)]);
  return from !== undefined && from === to;
}

async function quantize(engine: Engine, model: string, { out, dtype, embeddings, force, check, text, json }: QuantizeFlags): Promise<void> {
  const { runtime } = engine;
  const folder = await modelFolder(runtime, model);
  if (await isSame(folder, out))
    throw new HeedError('ARGUMENT', `${out} is the model itself`, { culprit: 'out', cure: 'Choose another folder' });
  const config = runtime.join(out, 'config.json');
  if (!force && (await runtime.exists(config)))
    throw new HeedError('ARGUMENT', `${out} holds a model already`, { culprit: 'out', cure: 'Choose another folder, or give --force' });
  const parts = await readParts(folder);
  const lines = text === undefined ? undefined : await readText(runtime, text);
  if (lines !== undefined && lines.trim() === '')
    throw new HeedError('ARGUMENT', `${text} holds no text`, { culprit: 'text', cure: 'Give a file of lines' });
  // A folder without config.json is no model: it is not one again before all else is there.
  const saved = await withBar('quantizing', (update) =>
    quantizeCheckpoint(engine, parts, out, {
      ...{ dtype, embedding_dtype: embeddings },
      onProgress: ({ loaded, total }) => update(loaded, total),
      beforeWriting: () => runtime.removeFile(config),
    }),
  );
  const compared = check ? await withBar('comparing', () => fidelity(engine, parts, model, out, lines)) : undefined;
  await print(json ? `${JSON.stringify({ out, ...saved, ...flat(compared) })}\n` : told(out, saved, compared));
}

function told(out: string, { before, bytes, quantized, halved, kept, left }: Saved, compared: Fidelity | undefined): string {
  const lines = [
    `${out}: ${size(bytes)} in all${before === undefined ? '' : `, of weights that were ${size(before)}`}`,
    `${halved ? `${halved} tensors in 4 bits, ${quantized}` : `${quantized} tensors`} in 8${halved ? '' : ' bits'}, ${kept} in float32${left.length ? `, ${left.length} left out that no model reads: ${left.slice(0, 4).join(', ')}` : ''}`,
    ...(compared ? compare(compared) : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Counts among the other numbers. */
const flat = ({ counts, ...rest }: Partial<Fidelity> = {}) => ({ ...counts, ...rest });

function compare({ counts, cosine, perplexity }: Fidelity): string[] {
  const given = Object.entries(counts).map(([kind, n]) => `${n} ${kind}`);
  const near = `cosine to the model in floats, over ${given.join(' and ')}: at least ${cosine.toFixed(5)}`;
  if (!perplexity) return [near];
  const { tokens, before, after } = perplexity;
  return [near, `perplexity of their ${tokens} tokens: ${before.toFixed(3)} in floats, ${after.toFixed(3)} now`];
}
