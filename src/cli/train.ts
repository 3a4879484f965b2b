/** `heed train`: its options. The training code is loaded on demand: other commands need none of it. */
import { Command, Option } from 'commander';
import { pretrainedDtypes } from '../models/quantization.js';
import { deterministicOption, modelOption, numberIn, threadsOption, wholeNumber } from './options.js';
import type { PicturesFlags } from './train_pictures.js';
import type { TrainFlags } from './train_translation.js';
import { optionOf, settingNames, settings, wrongWith } from './translation_recipe.js';

const translation = new Command('translation')
  .description('a translator between English and Chinese')
  .requiredOption('--data <dir>', 'folder with train.tsv and valid.tsv: English TAB Chinese, further columns are passed over')
  .requiredOption('--out <dir>', 'folder for the model, its learning curve and checkpoints')
  .addOption(
    new Option('--from <dir>', 'a translator to begin with, whose sizes and tokenizer the new one has; else random weights').conflicts(
      'tokenizer',
    ),
  )
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
  heed train translation --data ./mine --out ./small --d-model 128 --heads 4 --layers 2 --feed-forward 512 --steps 2000 --warmup 200
  heed train translation --data ./mine --out ./taught --from ./translator --steps 1000 --warmup 50 --learning-rate 3e-4`,
  )
  .action(async (flags: TrainFlags) => (await import('./train_translation.js')).train(flags));

/** A share that leaves something. */
const shareBelowOne = (text: string) => numberIn(text, (n) => (n >= 0 && n < 1 ? undefined : 'It must be a number from 0, below 1.'));
const aboveZero = (text: string) => numberIn(text, (n) => (n > 0 ? undefined : 'It must be a number above 0.'));

const pictures = new Command('pictures')
  .description('a classifier of pictures, out of an encoder of pictures')
  .requiredOption('--data <dir>', 'folder of folders, each named as a label, with pictures of it')
  .requiredOption('--out <dir>', 'folder for the model')
  .addOption(modelOption('a ViT, DeiT, DINOv2, CLIP or SigLIP', 'image-feature-extraction'))
  .addOption(new Option('--epochs <n>', 'times that every picture is seen').argParser(wholeNumber).default(3))
  .addOption(new Option('--batch <n>', 'pictures of a step').argParser(wholeNumber).default(16))
  .addOption(new Option('--lr <rate>', 'highest learning rate (default: 5e-5, with --freeze 1e-3)').argParser(aboveZero))
  .option('--freeze', 'train the head alone')
  .addOption(
    new Option('--held-back <share>', 'share of the pictures to judge by, which are not learned').argParser(shareBelowOne).default(0.1),
  )
  .addOption(
    new Option('--dtype <type>', 'how the model is written: q8 has 8-bit weights, q4 4-bit matrices')
      .choices(pretrainedDtypes)
      .default('fp32'),
  )
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed train pictures --data ./pets --out ./pets-model --freeze
  heed train pictures --data ./pets --out ./pets-model --model ./vit-base-patch16-224 --epochs 5`,
  )
  .action(async (flags: PicturesFlags) => (await import('./train_pictures.js')).train(flags));

export const trainCommand = new Command('train').description('train a model').addCommand(translation).addCommand(pictures);
