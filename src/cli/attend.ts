/** `heed attend`: the attention weights of every head of every layer of an encoder for a text, as a page to look at or as numbers; or for a picture, drawn over it. */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { Engine } from '../engine/engine.js';
import { AutoModel, AutoTokenizer, CLIPVisionModelWithProjection } from '../entry/node.js';
import { HeedError } from '../errors.js';
import type { Model } from '../models/model.js';
import { readParts } from '../models/parts.js';
import type { HostTensor, Nested } from '../tensor.js';
import { attendPicture, type PictureFlags, readsPictures } from './attend_picture.js';
import { writeText } from './files.js';
import { deterministicOption, type EngineFlags, maxTokensOption, modelOption, threadsOption, wholeNumber } from './options.js';
import { print, tellWritten } from './output.js';
import { filesOf, showNotice, withBar } from './progress.js';
import { modelFolder, withEngine } from './work.js';

interface AttendFlags extends EngineFlags, PictureFlags {
  model: string;
  maxTokens?: number;
}

export const attendCommand = new Command('attend')
  .description('draw what a model attends to in a text or a picture')
  .argument('<input>', 'the text; or, for a model of pictures, a file or an address, or - for standard input')
  .addOption(modelOption('an encoder of texts or of pictures'))
  .option('--out <file>', 'the page to write, HTML that needs nothing beside it; of a picture a PNG file')
  .option('--json', 'print tokens and attentions [layers][heads][queries][keys] instead')
  .option('--layer <n>', 'of a picture: the layer whose heads are drawn, from 1 (default: the last)', wholeNumber)
  .option('--rollout', 'of a picture: all layers together, in place of the heads of one')
  .addOption(maxTokensOption())
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed attend "The animal was too tired." --model ./all-MiniLM-L6-v2 --out tired.html
  heed attend "a b c" --model ./all-MiniLM-L6-v2 --json --deterministic > attentions.json
  heed attend cat.jpg --model facebook/dinov2-small --out heads.png
  heed attend cat.jpg --model facebook/dinov2-small --rollout --out cat-seen.png`,
  )
  .action(attend);

async function attend(input: string, flags: AttendFlags): Promise<void> {
  const { out, json, layer, rollout, maxTokens } = flags;
  if (!out && !json) throw useless('There is nowhere to write to', '--out', 'Give --out FILE.html, or FILE.png of a picture, or --json');
  if (layer && rollout) throw useless('--layer is of no use beside --rollout, which is of all', '--layer', 'Give one of both');
  await withEngine(flags, async (engine) => {
    const folder = await modelFolder(engine.runtime, flags.model);
    const model = await withBar('loading', async (update) => {
      // Of a model of texts and pictures the side that sees.
      const { side } = (await readParts(folder)).architecture.module;
      const { from_pretrained } = side ? CLIPVisionModelWithProjection : AutoModel;
      return (await from_pretrained(flags.model, { engine, progress_callback: filesOf(update) })) as Model;
    });
    showNotice(model.config);
    if (readsPictures(model)) {
      if (maxTokens) throw useless('--max-tokens is of no use with a picture', '--max-tokens', 'Leave it out');
      return attendPicture(input, model, folder, flags);
    }
    if (layer || rollout) throw useless('--layer and --rollout are for pictures', layer ? '--layer' : '--rollout', 'Leave it out');
    return attendText(engine, input, model, flags);
  });
}

const useless = (what: string, culprit: string, cure: string) => new HeedError('ARGUMENT', what, { culprit, cure });

async function attendText(engine: Engine, text: string, model: Model, { model: name, out, json, maxTokens }: AttendFlags): Promise<void> {
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const { positions } = model.encoder.dims;
  const max_length = maxTokens ?? Math.min(tokenizer.model_max_length ?? positions, positions);
  if (max_length > positions)
    throw useless(`--max-tokens is ${max_length}, and the model takes 1 to ${positions} tokens`, '--max-tokens', 'Give fewer');
  const ids = tokenizer.encode(text, { truncation: true, max_length });
  const tokens = ids.map((id) => tokenizer.id_to_token(id) ?? '');
  const { attentions = [] } = await model({ input_ids: [ids] }, { output_attentions: true });
  if (out) {
    await writeText(engine.runtime, out, await page(text, name, tokens, attentions));
    tellWritten(out);
  }
  if (json) await print(`${JSON.stringify({ tokens, attentions: attentions.map((layer) => (layer.tolist() as Nested[])[0]) })}\n`);
}

async function page(title: string, model: string, source: string[], encoder: HostTensor[]): Promise<string> {
  // The page's script is of no use to those who want numbers.
  const { renderAttention } = await import('../pictures/index.js');
  const name = basename(resolve(model));
  const note = `${name}: ${encoder.length} layers of ${encoder[0]?.dims[1]} heads, ${source.length} tokens`;
  return renderAttention({ title, note, source, attentions: { encoder } });
}
