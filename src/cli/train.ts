/** `heed train`: its options. What it does is loaded when it is asked for: other commands need none of it. */
import { Command, Option } from 'commander';
import { pretrainedDtypes } from '../models/quantization.js';
import { deterministicOption, numberIn, threadsOption } from './options.js';
import type { TrainFlags } from './train_translation.js';
import { optionOf, settingNames, settings, wrongWith } from './translation_recipe.js';

const translation = new Command('translation')
  .description('a translator between English and Chinese')
  .requiredOption('--data <dir>', 'folder with train.tsv and valid.tsv: English TAB Chinese, further columns are passed over')
  .requiredOption('--out <dir>', 'folder for the model, its learning curve and checkpoints')
  .option('--tokenizer <file>', 'a tokenizer.json instead of one that is learned from train.tsv')
  .option('--resume', 'go on with the run in --out, with its settings; exactly, with --deterministic')
  .addOption(
    new Option('--dtype <type>', 'how the model is written: q8 has 8-bit weights, q4 4-bit matrices')
      .choices(pretrainedDtypes)
      .default('fp32'),
  )
  .addOption(threadsOption())
  .addOption(deterministicOption());
for (const name of settingNames) {
  const { value, what } = settings[name];
  const option = new Option(`${optionOf(name)} <n>`, `${what} (default: ${value})`);
  translation.addOption(option.argParser((text) => numberIn(text, (number) => wrongWith(name, number))));
}
translation
  .addHelpText(
    'after',
    `
Examples:
  heed train translation --data ./tatoeba-eng-cmn --out ./translator
  heed train translation --data ./tatoeba-eng-cmn --out ./translator --resume
  heed train translation --data ./mine --out ./small --d-model 128 --heads 4 --layers 2 --feed-forward 512 --steps 2000 --warmup 200`,
  )
  .action(async (flags: TrainFlags) => (await import('./train_translation.js')).train(flags));

export const trainCommand = new Command('train').description('train a model').addCommand(translation);
