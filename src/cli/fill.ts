/** `heed fill`: the tokens that a masked language model predicts for the masks in texts. */
import { Command } from 'commander';
import type { FilledMask } from '../pipelines/fill_mask.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { deterministicOption, type EngineFlags, jsonOption, listOption, modelOption, threadsOption, topKOption } from './options.js';
import { print } from './output.js';
import { columns, shares, shorten } from './terminal.js';
import { eachTexts, withPipeline } from './work.js';

interface FillFlags extends EngineFlags {
  model?: string;
  topK: number;
  targets?: string[];
  json?: boolean;
}

/** Mask tokens of the existing models. */
const masks = /\[MASK\]|<mask>/g;

export const fillCommand = new Command('fill')
  .description('guess the words that texts lack')
  .argument('[text...]', 'texts with [MASK] or <mask>, whichever the model knows; without any, the lines of standard input')
  .addOption(modelOption('a masked language model', 'fill-mask'))
  .addOption(topKOption('tokens for each mask, the likeliest first'))
  .addOption(listOption('--targets <a,b…>', 'the tokens to choose among'))
  .addOption(jsonOption('an object with text and masks per text, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed fill "Paris is the [MASK] of France."
  heed fill "The film was [MASK]." --targets good,bad
  heed fill --json --top-k 1 --model ./bert-base-uncased < sentences.txt > words.jsonl`,
  )
  .action(fill);

function fill(texts: string[], flags: FillFlags): Promise<void> {
  const { topK: top_k, targets, json } = flags;
  return withPipeline('fill-mask', flags, async (filler) => {
    await eachTexts('filling', texts, async (some, onProgress) => {
      const masked = some.map((text) => withOwnMask(text, filler.tokenizer));
      const found = await filler(masked, { top_k, targets, onProgress });
      const rows = some.map((text, i): Filled => {
        const one = found[i] as FilledMask[] | FilledMask[][];
        // A text with one mask has its tokens, one with several a list of them for each.
        return { text, masks: one.every((each) => Array.isArray(each)) ? one : [one as FilledMask[]] };
      });
      await print(rows.map((row) => (json ? `${JSON.stringify(row)}\n` : shown(row))).join(''));
    });
  });
}

/** Objects that --json prints. */
interface Filled {
  text: string;
  /** Tokens for each mask, the most probable first, as the pipeline gives them. */
  masks: FilledMask[][];
}

/** A text in which masks are spelled as the model knows them. One that has the model's own says what it means. */
function withOwnMask(text: string, tokenizer: CallableTokenizer): string {
  const own = tokenizer.id_to_token(tokenizer.mask_token_id as number) as string; // without one no such pipeline loads
  return text.includes(own) ? text : text.replaceAll(masks, own);
}

function shown({ text, masks }: Filled): string {
  const groups = masks.map((tokens) => shares(tokens.map(({ token_str, score }) => ({ name: token_str.trim(), share: score }))));
  return `${shorten(text, columns())}\n${groups.join('\n')}`;
}
