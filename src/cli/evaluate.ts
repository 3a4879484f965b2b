/** `heed evaluate`: BLEU and chrF of a translator on a file of sentence pairs, in every direction that it has, as sacreBLEU computes and prints them. */
import { Command } from 'commander';
import { deterministicOption, type EngineFlags, threadsOption, wholeNumber } from './options.js';
import { print, tellWritten } from './output.js';
import { withEngine } from './work.js';

export interface EvaluateFlags extends EngineFlags {
  model?: string;
  data: string;
  out?: string;
  beams?: number;
  json?: boolean;
}

export const evaluateCommand = new Command('evaluate')
  .description('score a translator with BLEU and chrF')
  .requiredOption('--data <file>', 'pairs to score with: English TAB Chinese, further columns are passed over')
  .option('--model <dir>', 'folder or URL of a model (default: the translator that heed trained itself)')
  .option('--out <prefix>', 'write translations to PREFIX.en-zh.txt and PREFIX.zh-en.txt, a line each')
  .option('--beams <n>', "sequences that beam search keeps; 1 is greedy (default: the model's generation_config.json)", wholeNumber)
  .option('--json', 'one JSON object')
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed evaluate --data ./tatoeba-eng-cmn/test.tsv
  heed evaluate --data ./test.tsv --model ./translator --beams 4 --json
  heed evaluate --data ./test.tsv --out ./hypotheses`,
  )
  .action(async (flags: EvaluateFlags) => {
    const { evaluate, printed, writtenTo } = await import('./evaluation.js');
    const { defaultTranslator } = await import('./default_model.js');
    const { json, model = defaultTranslator(), data, out, beams } = flags;
    await withEngine(flags, async (engine) => {
      const scores = await evaluate(engine, { model, data, out, beams });
      if (out) for (const name of Object.keys(scores)) tellWritten(writtenTo(out, name));
      await print(json ? `${JSON.stringify(scores)}\n` : printed(scores));
    });
  });
