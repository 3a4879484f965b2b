/**
 * `heed classify`: texts to labels and their probabilities. The labels are those that a model was trained for, or with --labels any others, which a model for
 * natural language inference scores. Texts come as arguments or as lines of standard input, which are classified as they arrive.
 */
import { Command } from 'commander';

import { HeedError } from '../errors.js';
import type { Classification } from '../pipelines/scores.js';
import {
  deterministicOption,
  type EngineFlags,
  jsonOption,
  listOption,
  maxTokensOption,
  modelOption,
  threadsOption,
  topKOption,
} from './options.js';

import { print } from './output.js';
import { bold, columns, pad, percent, shares, shorten, width } from './terminal.js';
import { eachTexts, withPipeline } from './work.js';

interface ClassifyFlags extends EngineFlags {
  model?: string;
  labels?: string[];
  multiLabel?: boolean;
  template?: string;
  topK: number;
  maxTokens?: number;
  json?: boolean;
}

/** Largest width in columns of a label beside its text. */
const WIDEST = 24;

export const classifyCommand = new Command('classify')
  .description('sort texts by labels')
  .argument('[text...]', 'texts; without any, the lines of standard input (an empty line is an empty text)')
  .addOption(modelOption('a model with a head for classification', 'text-classification'))
  .addOption(listOption('--labels <a,b…>', 'labels of your own; the model is one for natural language inference then'))
  .option('--multi-label', 'with --labels: each may be true or not, whatever the others are')
  .option('--template <text>', 'with --labels: what the model is asked, {} for the label (default: "This example is {}.")')
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
  heed classify --json --top-k 1 --model ./sentiment < reviews.txt > labels.jsonl
  heed classify "My parcel is late." --labels delivery,billing,returns --template "This is about {}."`,
  )
  .action(classify);

async function classify(texts: string[], flags: ClassifyFlags): Promise<void> {
  const { labels, multiLabel, template } = flags;
  if (labels) return classifyByLabels(texts, { ...flags, labels });
  if (multiLabel || template !== undefined) {
    const culprit = multiLabel ? '--multi-label' : '--template';
    throw new HeedError('ARGUMENT', `${culprit} is of no use without --labels`, { culprit, cure: 'Give --labels a,b,c' });
  }
  const { topK: top_k, maxTokens: max_length } = flags;
  await withPipeline('text-classification', flags, (classifier) =>
    eachOf(texts, classifier.model.labels, flags, async (some, onProgress) => {
      const found = await classifier(some, { top_k, max_length, onProgress });
      // With a top_k of 1 there is one label for each text, not a list of them.
      return found.map((one) => (Array.isArray(one) ? one : [one]));
    }),
  );
}

async function classifyByLabels(texts: string[], flags: ClassifyFlags & { labels: string[] }): Promise<void> {
  const { labels, multiLabel: multi_label, template: hypothesis_template, topK, maxTokens: max_length } = flags;
  await withPipeline('zero-shot-classification', flags, (classifier) =>
    eachOf(texts, labels, flags, async (some, onProgress) => {
      const found = await classifier(some, labels, { multi_label, hypothesis_template, max_length, onProgress });
      return found.map(({ labels, scores }) => labels.slice(0, topK).map((label, i) => ({ label, score: scores[i] as number })));
    }),
  );
}

type Classify = (texts: readonly string[], onProgress: (done: number) => void) => Promise<Classification[][]>;

/** Classifies the texts that there are, some at a time, and prints. */
async function eachOf(texts: string[], labels: readonly string[], { json }: ClassifyFlags, classify: Classify): Promise<void> {
  await eachTexts('classifying', texts, async (some, onProgress) => {
    const found = await classify(some, onProgress);
    const rows = some.map((text, i): Classified => ({ text, labels: found[i] as Classification[] }));
    await print(rows.map((row) => (json ? `${JSON.stringify(row)}\n` : shown(row, labels))).join(''));
  });
}

/** Objects that --json prints. */
interface Classified {
  text: string;
  /** Labels, the most probable first. */
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
