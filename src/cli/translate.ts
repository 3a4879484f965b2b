/**
 * `heed translate`: texts into another language, sentence by sentence. Texts come as arguments, or as lines of standard input, which are translated as they
 * come; a translation goes to standard output as soon as it is there.
 */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { Translator } from '../core.js';
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { sentencesOf } from '../pipelines/sentences.js';
import { defaultTranslator } from './default_model.js';
import { writeText } from './files.js';
import { type LookOptions, look } from './look.js';
import { deterministicOption, type EngineFlags, threadsOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { textsIn, withPipeline } from './work.js';

/** Texts that are translated together, and then printed. */
const TOGETHER = 32;

interface TranslateFlags extends EngineFlags {
  to?: string;
  beams?: number;
  json?: boolean;
  attention?: string;
  model?: string;
}

type DrawFlags = TranslateFlags & { model: string; attention: string };

export const translateCommand = new Command('translate')
  .description('translate between English and Chinese')
  .argument('[text...]', 'texts; without any, the lines of standard input')
  .option('--to <language>', 'zh or en (default: away from the language that a text is written in)')
  .option(
    '--beams <n>',
    "sequences that beam search keeps; 1 is greedy, and fastest (default: the model's generation_config.json)",
    wholeNumber,
  )
  .option('--json', 'an object with source, translation and score per text, and nothing else')
  .option('--attention <file>', "also write the first sentence's attentions as a page: HTML that needs nothing beside it")
  .option('--model <dir>', 'folder or URL of a model (default: the translator that heed trained itself)')
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
The score is the mean log-probability of the tokens: 0 is certain.

Examples:
  heed translate "I love music."
  heed translate 我喜欢音乐。 --beams 4 --json
  heed translate --to en < chinese.txt > english.txt
  heed translate "Tom plays the piano." --attention piano.html`,
  )
  .action(translate);

async function translate(texts: string[], flags: TranslateFlags): Promise<void> {
  const { attention } = flags;
  const model = flags.model ?? defaultTranslator();
  await withPipeline('translation', { ...flags, model }, async (translator, engine) => {
    let first = true;
    for await (const some of textsIn(texts, TOGETHER)) {
      if (attention && first) await draw(engine, translator, some[0] as string, { ...flags, attention, model });
      first = false;
      await translateSome(translator, some, flags);
    }
    if (attention && first) throw nothingToDraw();
  });
}

async function translateSome(translator: Translator, texts: readonly string[], { to, beams, json }: TranslateFlags): Promise<void> {
  const translations = await translator(texts, { tgt_lang: to, num_beams: beams });
  for (const [i, { translation_text: translation }] of translations.entries()) {
    const source = texts[i] as string;
    if (!json) await print(`${translation}\n`);
    else await print(`${JSON.stringify({ source, translation, score: await scoreOf(translator, source, { to, beams }) })}\n`);
  }
}

/** The mean of the sentences' scores. */
async function scoreOf(translator: Translator, text: string, options: LookOptions): Promise<number> {
  let sum = 0;
  const { sentences } = sentencesOf(text);
  for (const sentence of sentences) sum += (await look(translator, sentence.text, options)).score;
  return sum / Math.max(1, sentences.length);
}

/** The page of a text's first sentence. */
async function draw(engine: Engine, translator: Translator, text: string, { to, beams, model, attention }: DrawFlags): Promise<void> {
  const [sentence] = sentencesOf(text).sentences;
  if (!sentence) throw nothingToDraw();
  const { translation, attended } = await look(translator, sentence.text, { to, beams });
  const { encoder, decoder } = attended.attentions;
  const note = `${basename(resolve(model))}: ${encoder.length} encoder and ${decoder.length} decoder layers of ${encoder[0]?.dims[1]} heads`;
  const { renderAttention } = await import('../pictures/index.js');
  await writeText(engine.runtime, attention, renderAttention({ title: `${sentence.text} → ${translation}`, note, ...attended }));
}

const nothingToDraw = () => new HeedError('ARGUMENT', 'The first text is empty: there is nothing to draw', { culprit: '--attention' });
