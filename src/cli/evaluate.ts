/**
 * `heed evaluate`: BLEU and chrF of a translator on a file of sentence pairs, in every direction that it has, as sacreBLEU computes and prints them; or the perplexity of a
 * text by a language model, as llama.cpp counts it.
 */
import { Command } from 'commander';
import { deterministicOption, type EngineFlags, threadsOption, wholeNumber } from './options.js';
import { print, tellWritten } from './output.js';
import { withEngine } from './work.js';

export interface EvaluateFlags extends EngineFlags {
  model?: string;
  data?: string;
  perplexity?: string;
  context?: number;
  out?: string;
  beams?: number;
  json?: boolean;
}

export const evaluateCommand = new Command('evaluate')
  .description('score a translator with BLEU and chrF, or a language model with the perplexity of a text')
  .option('--data <file>', 'pairs to score a translator with: English TAB Chinese, further columns are passed over')
  .option('--perplexity <file>', 'text to score a language model with')
  .option('--model <model>', 'folder, URL or name of a model (default with --data: the translator that heed trained itself)')
  .option('--out <prefix>', 'with --data: write translations to PREFIX.en-zh.txt and PREFIX.zh-en.txt, a line each')
  .option(
    '--beams <n>',
    "with --data: sequences that beam search keeps; 1 is greedy (default: the model's generation_config.json)",
    wholeNumber,
  )
  .option('--context <n>', 'with --perplexity: tokens of a chunk, of which the second half is scored (default: 512)', wholeNumber)
  .option('--json', 'one JSON object')
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed evaluate --data ./tatoeba-eng-cmn/test.tsv
  heed evaluate --data ./test.tsv --model ./translator --beams 4 --json
  heed evaluate --data ./test.tsv --out ./hypotheses
  heed evaluate --perplexity ./wiki.test.raw --model ./SmolLM2-135M-Instruct.Q4_1.gguf --context 512`,
  )
  .action(async (flags: EvaluateFlags, command: Command) => {
    const { data, perplexity } = flags;
    if (data !== undefined && perplexity === undefined) return scorePairs({ ...flags, data }, command);
    if (perplexity !== undefined && data === undefined) return scoreText({ ...flags, perplexity }, command);
    command.error('error: give --data for a translator, or --perplexity for a language model');
  });

/** Refuses options of the other of the two. */
function refuse(command: Command, names: readonly (keyof EvaluateFlags)[], goWith: string): void {
  const [name] = names.filter((one) => command.getOptionValue(one) !== undefined);
  if (name) command.error(`error: option '--${name}' goes with ${goWith}`);
}

async function scorePairs(flags: EvaluateFlags & { data: string }, command: Command): Promise<void> {
  refuse(command, ['context'], '--perplexity');
  const { evaluate, printed, writtenTo } = await import('./evaluation.js');
  const { defaultTranslator } = await import('./default_model.js');
  const { json, model = defaultTranslator(), data, out, beams } = flags;
  await withEngine(flags, async (engine) => {
    const scores = await evaluate(engine, { model, data, out, beams });
    if (out) for (const name of Object.keys(scores)) tellWritten(writtenTo(out, name));
    await print(json ? `${JSON.stringify(scores)}\n` : printed(scores));
  });
}

async function scoreText(flags: EvaluateFlags & { perplexity: string }, command: Command): Promise<void> {
  const { perplexity: file, model, context, json } = flags;
  refuse(command, ['out', 'beams'], '--data');
  if (model === undefined) command.error("error: required option '--model <model>' not specified");
  const { withBar } = await import('./progress.js');
  const { readText } = await import('./files.js');
  const { loadPipeline } = await import('./work.js');
  await withEngine(flags, async (engine) => {
    const text = await readText(engine.runtime, file);
    const write = await loadPipeline(engine, 'text-generation', model);
    const score = await withBar('perplexity', (update) =>
      write.perplexity(text, { context, onProgress: (done, total, soFar) => update(done, total, `${soFar.toFixed(4)} | `) }),
    );
    const { perplexity, standard_error, tokens, chunks, context: size } = score;
    const line = `${perplexity.toFixed(4)} ± ${standard_error.toFixed(4)}: ${tokens} tokens, of ${chunks} chunks of ${size}\n`;
    await print(json ? `${JSON.stringify(score)}\n` : `perplexity ${line}`);
  });
}
