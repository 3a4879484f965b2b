/**
 * `heed embed`: texts to vectors. Texts come as arguments, or as lines of standard input, which are embedded as they arrive, so
 * that a file may be longer than memory. Vectors go to standard output, everything else to standard error.
 */
import { Command, Option } from 'commander';
import { type SentencePooling, sentencePoolings } from '../pipelines/pooling.js';
import { type SimilarityName, similarity } from '../pipelines/similarity.js';
import { deterministicOption, type EngineFlags, jsonOption, maxTokensOption, modelOption, threadsOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { columns, pad, shorten } from './terminal.js';
import { eachTexts, withPipeline } from './work.js';

interface EmbedFlags extends EngineFlags {
  model?: string;
  pooling?: SentencePooling;
  normalize?: boolean;
  prompt?: string;
  promptName?: string;
  truncateDim?: number;
  maxTokens?: number;
  json?: boolean;
}

const { stdout } = process;

/** Components of a vector that fit on a line. */
const SHOWN = 6;
/** Texts up to which their similarities are shown. */
const COMPARED = 12;

export const embedCommand = new Command('embed')
  .description('turn texts into vectors')
  .argument('[text...]', 'texts; without any, the lines of standard input (an empty line is an empty text)')
  .addOption(modelOption('an encoder', 'feature-extraction'))
  .addOption(
    new Option('--pooling <p>', "how tokens become one vector (default: the model's modules.json, else mean)").choices(sentencePoolings),
  )
  .option('--normalize', "scale vectors to length 1 (default: the model's modules.json)")
  .option('--no-normalize', 'leave vectors as they are')
  .option('--prompt <text>', "what stands before every text (default: the model's own, if any)")
  .option('--prompt-name <name>', "one of the prompts in the model's config_sentence_transformers.json: query, document …")
  .addOption(new Option('--truncate-dim <n>', 'keep the first n numbers of each vector').argParser(wholeNumber))
  .addOption(maxTokensOption())
  .addOption(jsonOption('one array per line, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed embed "a cat" "a kitten" --model ./all-MiniLM-L6-v2
  heed embed --json --model ./all-MiniLM-L6-v2 < sentences.txt > vectors.jsonl
  heed embed --deterministic --threads 1 "the same bits everywhere" --model ./all-MiniLM-L6-v2`,
  )
  .action(embed);

function embed(texts: string[], flags: EmbedFlags): Promise<void> {
  return withPipeline('feature-extraction', flags, async (extractor) => {
    const { pooling, normalize, prompt, promptName: prompt_name, truncateDim: truncate_dim, maxTokens: max_length } = flags;
    const options = { pooling, normalize, prompt, prompt_name, truncate_dim, max_length };
    const compared: ArrayLike<number>[] = [];
    await eachTexts('embedding', texts, async (some, onProgress) => {
      const { data, dims } = await extractor.encode(some, { ...options, onProgress });
      const C = dims[1] as number;
      const rows = some.map((_, i) => data.subarray(i * C, (i + 1) * C));
      await print(rows.map((row, i) => `${flags.json ? JSON.stringify(Array.from(row)) : show(some[i] as string, row)}\n`).join(''));
      compared.push(...rows.slice(0, COMPARED + 1 - compared.length));
    });
    // Similarities are shown for a whole input, not for the first lines of a long one, and for as many texts as fit a line.
    const fit = Math.min(COMPARED, Math.floor((columns() - 6) / 6));
    if (!flags.json && compared.length > 1 && compared.length <= fit)
      await print(similarities(compared, extractor.sentence.similarity_fn_name));
  });
}

function show(text: string, row: ArrayLike<number>): string {
  // A terminal's line shows as many numbers as fit beside the text.
  const room = stdout.columns ? Math.min(42, stdout.columns >> 1) : 42;
  const shown = stdout.columns ? Math.max(1, Math.min(SHOWN, Math.floor((stdout.columns - room - 12) / 8))) : SHOWN;
  const name = pad(JSON.stringify(shorten(text, room - 2)), room);
  const first = Array.from(row).slice(0, shown);
  return `${name} [${row.length}]  ${first.map((x) => x.toFixed(4).padStart(7)).join(' ')}${row.length > shown ? ' …' : ''}`;
}

/** Table of the similarities of all pairs, by the model's own measure. */
function similarities(rows: readonly ArrayLike<number>[], name: SimilarityName): string {
  const lines = similarity(rows, rows, name).map((row, i) => {
    const cells = row.slice(0, i + 1).map((value) => value.toFixed(2).padStart(6));
    return `${String(i + 1).padStart(4)}  ${cells.join('')}`;
  });
  return `\n${name}${rows.map((_, i) => String(i + 1).padStart(6)).join('')}\n${lines.join('\n')}\n`;
}
