/**
 * `heed classify`: texts to labels and their probabilities. The labels are those that a model was trained for, or with --labels any others, which a model of
 * natural language inference weighs. Texts come as arguments or as lines of standard input, which are classified as they come.
 */
import { Command } from 'commander';
import type { Classification } from '../models/scores.js';
import { deterministicOption, type EngineFlags, jsonOption, maxTokensOption, modelOption, threadsOption, topKOption } from './options.js';
import { print } from './output.js';
import { withBar } from './progress.js';
import { bold, columns, pad, percent, shares, shorten, width } from './terminal.js';
import { textsIn, withPipeline } from './work.js';

interface ClassifyFlags extends EngineFlags {
  model: string;
  topK: number;
  maxTokens?: number;
  json?: boolean;
}

/** Columns of a label that stands beside its text. */
const WIDEST = 24;

export const classifyCommand = new Command('classify')
  .description('sort texts by labels')
  .argument('[text...]', 'texts; without any, the lines of standard input (an empty line is an empty text)')
  .addOption(modelOption('a model with a head for classification'))
  .addOption(topKOption('labels of a text, the likeliest first'))
  .addOption(maxTokensOption())
  .addOption(jsonOption('an object with text and labels per text, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed classify "What a film!" "I want my money back." --model ./sentiment
  heed classify --json --top-k 1 --model ./sentiment < reviews.txt > labels.jsonl`,
  )
  .action(classify);

function classify(texts: string[], flags: ClassifyFlags): Promise<void> {
  const { topK: top_k, maxTokens: max_length, json } = flags;
  return withPipeline('text-classification', flags, async (classifier) => {
    const { labels } = classifier.model;
    for await (const some of textsIn(texts)) {
      const found = await withBar('classifying', () => classifier(some, { top_k, max_length }));
      const rows = some.map((text, i): Classified => {
        const one = found[i] as Classification | Classification[];
        // With a top_k of 1 there is one label for each text, not a list of them.
        return { text, labels: Array.isArray(one) ? one : [one] };
      });
      await print(rows.map((row) => (json ? `${JSON.stringify(row)}\n` : shown(row, labels))).join(''));
    }
  });
}

/** What --json prints. */
interface Classified {
  text: string;
  /** The likeliest first. */
  labels: Classification[];
}

/** The text over bars; where there is but one label, both on one line, in columns that `all` labels fit. */
function shown({ text, labels }: Classified, all: readonly string[]): string {
  const [first, ...more] = labels;
  if (!first || more.length)
    return `${shorten(text, columns())}\n${shares(labels.map(({ label, score }) => ({ name: label, share: score })))}`;
  const room = Math.min(WIDEST, Math.max(...all.map(width)));
  return `${percent(first.score)}  ${bold(pad(shorten(first.label, room), room))}  ${shorten(text, Math.max(20, columns() - room - 11))}\n`;
}
