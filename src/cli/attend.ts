/** `heed attend`: what every head of every layer of an encoder attends to in a text, as a page to look at or as numbers. */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import { AutoModel, AutoTokenizer } from '../entry/node.js';
import { HeedError } from '../errors.js';
import type { HostTensor, Nested } from '../tensor.js';
import { writeText } from './files.js';
import { deterministicOption, type EngineFlags, maxTokensOption, modelOption, threadsOption } from './options.js';
import { print, tellWritten } from './output.js';
import { filesOf, showNotice, withBar } from './progress.js';
import { withEngine } from './work.js';

interface AttendFlags extends EngineFlags {
  model: string;
  out?: string;
  maxTokens?: number;
  json?: boolean;
}

export const attendCommand = new Command('attend')
  .description('draw what a model attends to in a text')
  .argument('<text>', 'the text')
  .addOption(modelOption('an encoder'))
  .option('--out <file>', 'the page to write: HTML that needs nothing beside it')
  .option('--json', 'print tokens and attentions [layers][heads][queries][keys] instead')
  .addOption(maxTokensOption())
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed attend "The animal was too tired." --model ./all-MiniLM-L6-v2 --out tired.html
  heed attend "a b c" --model ./all-MiniLM-L6-v2 --json --deterministic > attentions.json`,
  )
  .action(attend);

async function attend(text: string, flags: AttendFlags): Promise<void> {
  const { out, json, maxTokens } = flags;
  if (!out && !json)
    throw new HeedError('ARGUMENT', 'There is nowhere to write to', { culprit: '--out', cure: 'Give --out FILE.html, or --json' });
  await withEngine(flags, async (engine) => {
    const [model, tokenizer] = await withBar('loading', (update) =>
      Promise.all([
        AutoModel.from_pretrained(flags.model, { engine, progress_callback: filesOf(update) }),
        AutoTokenizer.from_pretrained(flags.model),
      ]),
    );
    showNotice(model.config);
    const { positions } = model.encoder.dims;
    const max_length = maxTokens ?? Math.min(tokenizer.model_max_length ?? positions, positions);
    if (max_length > positions)
      throw new HeedError('ARGUMENT', `--max-tokens is ${max_length}, and the model takes 1 to ${positions} tokens`, {
        culprit: '--max-tokens',
      });
    const ids = tokenizer.encode(text, { truncation: true, max_length });
    const tokens = ids.map((id) => tokenizer.id_to_token(id) ?? '');
    const { attentions = [] } = await model({ input_ids: [ids] }, { output_attentions: true });
    if (out) {
      await writeText(engine.runtime, out, await page(text, flags.model, tokens, attentions));
      tellWritten(out);
    }
    if (json) await print(`${JSON.stringify({ tokens, attentions: attentions.map((layer) => (layer.tolist() as Nested[])[0]) })}\n`);
  });
}

async function page(title: string, model: string, source: string[], encoder: HostTensor[]): Promise<string> {
  // The page's script is of no use to those who want numbers.
  const { renderAttention } = await import('../pictures/index.js');
  const name = basename(resolve(model));
  const note = `${name}: ${encoder.length} layers of ${encoder[0]?.dims[1]} heads, ${source.length} tokens`;
  return renderAttention({ title, note, source, attentions: { encoder } });
}
