/**
 * `heed translate`: texts into another language, sentence by sentence. Texts come as arguments, or as lines of standard input, which are translated as they
 * arrive; a translation goes to standard output as soon as it is ready.
 */
import { basename, resolve } from 'node:path';
import { Command } from 'commander';
import type { Translator } from '../core.js';
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { Routes } from '../pipelines/languages.js';
import { attend, type Look, type LookOptions, look } from '../pipelines/look.js';
import { joined, sentencesOf } from '../pipelines/sentences.js';
import { defaultTranslator } from './default_model.js';
import { writeText } from './files.js';
import { languageOf, languages } from './language.js';
import { deterministicOption, type EngineFlags, threadsOption, wholeNumber } from './options.js';
import { print, tell, tellWritten } from './output.js';
import { shorten } from './terminal.js';
import { eachTexts, withPipeline } from './work.js';

/** Texts that are translated together, and then printed. */
const TOGETHER = 32;

interface TranslateFlags extends EngineFlags {
  from?: string;
  to?: string;
  beams?: number;
  json?: boolean;
  attention?: string;
  model?: string;
}

type DrawFlags = TranslateFlags & { model: string; attention: string };

export const translateCommand = new Command('translate')
  .description('translate between English and Chinese, or the languages of another model')
  .argument('[text...]', 'texts; without any, the lines of standard input')
  .option('--to <language>', "zh or en, or a code of the model's (default: away from the language that a text is written in)")
  .option(
    '--from <language>',
    "the texts' language, as the model calls it: eng_Latn, en_XX, en (default: what their script tells, or the tokenizer's own)",
  )
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
  heed translate "I love music." --from eng_Latn --to fra_Latn --model ./nllb-200-distilled-600M
  heed translate "Tom plays the piano." --attention piano.html`,
  )
  .action(translate);

async function translate(texts: string[], flags: TranslateFlags): Promise<void> {
  const { attention } = flags;
  const model = flags.model ?? defaultTranslator();
  const read = await readingOf(flags.model);
  await withPipeline('translation', { ...flags, model }, async (translator, engine) => {
    let first = true;
    const work = async (some: readonly string[], onProgress: (done: number) => void) => {
      if (attention && first) await draw(engine, translator, read(some[0] as string), { ...flags, attention, model });
      first = false;
      await translateSome(translator, some, read, { ...flags, onProgress });
    };
    await eachTexts('translating', texts, work, TOGETHER);
    if (attention && first) throw nothingToDraw();
  });
}

/** Conversion of a text for the model: heed's own translator knows only simplified Chinese. */
async function readingOf(model: string | undefined): Promise<(text: string) => string> {
  if (model !== undefined) return (text) => text;
  const { simplifiedOf } = await import('./simplified.js');
  return simplifiedOf;
}

async function translateSome(
  translator: Translator,
  texts: readonly string[],
  read: (text: string) => string,
  { from, to, beams, json, onProgress }: TranslateFlags & { onProgress: (done: number) => void },
): Promise<void> {
  const asks = texts.map((text) => from !== undefined || needsTranslation(translator, text, to));
  const foreign = texts.filter((_, i) => asks[i]);
  const options = { from, to, beams };
  const found = json
    ? await looks(translator, foreign.map(read), options)
    : (await translator(foreign.map(read), { src_lang: from, tgt_lang: to, num_beams: beams })).map(({ translation_text }) => ({
        translation: translation_text,
        score: 0,
      }));
  const translations = found.values();
  for (const [i, source] of texts.entries()) {
    const { translation, score } = asks[i] ? (translations.next().value as Look) : { translation: source, score: 0 };
    onProgress(i + 1);
    await print(json ? `${JSON.stringify({ source, translation, score })}\n` : `${translation}\n`);
  }
}

/** False for a text in the language that is asked for. Says so on standard error, and of what the model cannot read. */
function needsTranslation({ model }: Translator, text: string, to: string | undefined): boolean {
  const { from, to: into } = new Routes(model.config, 'translation').languages;
  const known = [...from, ...into];
  const code = known.length ? languageOf(text, known) : undefined;
  // Unknown languages are refused by the pipeline.
  if (code === undefined || (to !== undefined && !into.includes(to))) return true;
  const what = `${JSON.stringify(shorten(text, 40))} is ${languages[code]?.name}`;
  if (code === to) tell(`${what} already, and stays as it is`);
  else if (!from.includes(code)) tell(`${what}, it seems, which this model does not read: it knows ${from.join(', ')}`);
  return code !== to;
}

/** Details of each text, by sentences; the mean of their scores is the text's. */
async function looks(translator: Translator, texts: readonly string[], options: LookOptions): Promise<Look[]> {
  const found: Look[] = [];
  for (const text of texts) {
    const { lead, sentences } = sentencesOf(text);
    const each: Look[] = [];
    for (const sentence of sentences) each.push(await look(translator, sentence.text, options));
    const written = each.map(({ translation }, i) => ({ text: translation, gap: sentences[i]?.gap ?? '' }));
    const sum = each.reduce((total, { score }) => total + score, 0);
    found.push({ translation: joined({ lead, sentences: written }), score: sum / Math.max(1, each.length) });
  }
  return found;
}

/** The page of a text's first sentence. */
async function draw(engine: Engine, translator: Translator, text: string, { from, to, beams, model, attention }: DrawFlags): Promise<void> {
  const [sentence] = sentencesOf(text).sentences;
  if (!sentence) throw nothingToDraw();
  const { translation, attended } = await attend(translator, sentence.text, { from, to, beams });
  const { encoder, decoder } = attended.attentions;
  const note = `${basename(resolve(model))}: ${encoder.length} encoder and ${decoder.length} decoder layers of ${encoder[0]?.dims[1]} heads`;
  const { renderAttention } = await import('../pictures/index.js');
  await writeText(engine.runtime, attention, renderAttention({ title: `${sentence.text} → ${translation}`, note, ...attended }));
  tellWritten(attention);
}

const nothingToDraw = () => new HeedError('ARGUMENT', 'The first text is empty: there is nothing to draw', { culprit: '--attention' });
