/** Scores of a translator on a file of pairs, for `heed evaluate` and for the end of `heed train translation`. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { isObject, type JsonObject } from '../io/json.js';
import { bleu, chrf } from '../train/index.js';
import { writeText } from './files.js';
import { readPairs } from './pairs.js';
import { withBar } from './progress.js';
import { languages } from './translation_recipe.js';
import { loadPipeline } from './work.js';

export interface EvaluationParts {
  model: string;
  data: string;
  /** Prefix of the names of files with translations, if they are wanted. */
  out?: string | undefined;
  beams: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface Score {
  score: number;
  signature: string;
  /** sacreBLEU's line. */
  line: string;
}

/** Scores by direction, such as en-zh. */
export type Scores = Record<string, { sentences: number; bleu: Score; chrf: Score }>;

/** Scores a model in each direction. Throws UNSUPPORTED for a model that has none of the directions of a file's columns, FORMAT for a file without pairs. */
export async function evaluate(engine: Engine, { model, data, out, beams, signal }: EvaluationParts): Promise<Scores> {
  const { runtime } = engine;
  const pairs = await readPairs(runtime, data);
  // Whole texts: the translation pipeline would cut those of several sentences.
  const writer = await loadPipeline(engine, 'text2text-generation', model, signal);
  const scores: Scores = {};
  for (const { from, to, prefix } of directionsIn(writer.model.config)) {
    const [source, target] = [from, to].map((name) => languages.findIndex((language) => language.name === name)) as [number, number];
    if (source < 0 || target < 0) continue;
    const name = `${from}-${to}`;
    const texts = pairs.map((pair) => prefix + pair[source]);
    const references = pairs.map((pair) => pair[target] as string);
    const written = await withBar(name, (onProgress) => writer(texts, { num_beams: beams, truncation: true, onProgress, signal }));
    const hypotheses = written.map(({ generated_text }) => generated_text);
    if (out) await writeText(runtime, writtenTo(out, name), hypotheses.map((text) => `${text.replaceAll('\n', ' ')}\n`).join(''));
    const tokenize = to === 'zh' ? 'zh' : '13a';
    scores[name] = {
      sentences: pairs.length,
      bleu: shown(bleu(hypotheses, references, { tokenize })),
      chrf: shown(chrf(hypotheses, references)),
    };
  }
  if (Object.keys(scores).length) return scores;
  const between = languages.map(({ name }) => name).join(' and ');
  throw new HeedError('UNSUPPORTED', `${model} does not translate between ${between}`, { culprit: '--model' });
}

/** Name of the file with the translations of a direction. */
export const writtenTo = (out: string, name: string): string => `${out}.${name}.txt`;

/** Directions in config.json's `task_specific_params`: `{ translation_en_to_zh: { prefix } }`. */
function directionsIn(config: JsonObject) {
  const tasks = isObject(config.task_specific_params) ? config.task_specific_params : {};
  return Object.entries(tasks).flatMap(([task, value]) => {
    const [, from, to] = /^translation_(\w+?)_to_(\w+)$/.exec(task) ?? [];
    const prefix = isObject(value) && typeof value.prefix === 'string' ? value.prefix : '';
    return from && to ? [{ from, to, prefix }] : [];
  });
}

const shown = (score: { score: number; signature: string; toString(): string }): Score => ({
  score: score.score,
  signature: score.signature,
  line: score.toString(),
});

export const printed = (scores: Scores): string =>
  Object.entries(scores)
    .map(([name, { sentences, bleu, chrf }]) => `${name}, ${sentences} sentences\n  ${bleu.line}\n  ${chrf.line}\n`)
    .join('');
