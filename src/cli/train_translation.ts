/**
 * `heed train translation`: trains a translator on a folder of sentence pairs, by the recipe in translation_recipe.ts. A run writes into one folder:
 * the model in Hugging Face's layout, curve.json, checkpoints/, and events for TensorBoard. A stopped run continues with --resume.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { folderAt } from '../io/folder.js';
import { type JsonObject, readJson } from '../io/json.js';
import type { PretrainedDtype } from '../models/quantization.js';
import type { Runtime } from '../runtime/types.js';
import { sizeOf } from '../tensor.js';
import { Tokenizer } from '../text/tokenizer.js';
import { save_pretrained, type TrainingRecord, trainBpe } from '../train/index.js';
import { type CurveFile, type CurvePoint, readCurve } from './curve_file.js';
import { evaluate, printed, type Scores } from './evaluation.js';
import { writeText } from './files.js';
import type { EngineFlags } from './options.js';
import { outliveReader } from './output.js';
import { readPairs } from './pairs.js';
import { progress } from './progress.js';
import { originOf, type TranslationOrigin } from './translation_origin.js';
import {
  bpeOptions,
  checkTogether,
  optionOf,
  type Pair,
  type SettingName,
  type Settings,
  settingNames,
  settings,
  special,
} from './translation_recipe.js';
import { beginRun, configOf, type TranslationRun } from './translation_run.js';
import { withEngine } from './work.js';

export interface TrainFlags extends EngineFlags, Partial<Settings> {
  data: string;
  out: string;
  tokenizer?: string;
  from?: string;
  resume?: boolean;
  dtype?: PretrainedDtype;
}

const files = { train: 'train.tsv', validation: 'valid.tsv', test: 'test.tsv' } as const;

export async function train(flags: TrainFlags): Promise<void> {
  outliveReader();
  const interruption = new AbortController();
  const { signal } = interruption;
  process.removeAllListeners('SIGINT');
  process.once('SIGINT', () => {
    interruption.abort();
    process.once('SIGINT', () => process.exit(130));
  });
  try {
    await withEngine(flags, async (engine) => {
      const run = await openRun(engine, flags);
      await trainModel(engine, run, signal);
      await writeModel(engine.runtime, run, flags.dtype);
      await score(engine, run, flags.data, signal);
    });
    process.stdout.write(`the model is in ${flags.out}\n`);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stderr.write('heed: interrupted; --resume goes on\n');
    process.exitCode = 130;
  }
}

interface OpenRun extends TranslationRun {
  out: string;
  config: ReturnType<typeof configOf>;
  chosen: Settings;
  /** Folder of the translator that the run began with. */
  from: string | undefined;
  curve: CurvePoint[];
}

/** The run at its beginning, or where its last checkpoint is. */
async function openRun(engine: Engine, { data, out, tokenizer: file, from: model, resume, ...given }: TrainFlags): Promise<OpenRun> {
  const { runtime } = engine;
  const warn = (message: string) => process.stderr.write(`heed: ${message}\n`);
  const before = await readCurve(runtime, out);
  if (!before && resume && (await hasCheckpoints(runtime, out)))
    throw new HeedError('NOT_FOUND', `${out} has checkpoints, and no curve.json, which knows their settings`, {
      culprit: 'curve.json',
      cure: 'Put it back, or begin anew in another folder',
    });
  if (!before && resume) warn(`there is no run in ${out} to go on with: this one begins anew`);
  if (before && !resume)
    throw new HeedError('ARGUMENT', `${out} has a run in it`, {
      culprit: '--out',
      cure: '--resume goes on with it; another folder begins anew',
    });
  const from = before ? before.from : model;
  if (model !== undefined && model !== from)
    throw new HeedError('ARGUMENT', `The run in ${out} began with ${from ?? 'random weights'}, and --from is ${model}`, {
      culprit: '--from',
      cure: 'Leave it out, or begin anew in another folder',
    });
  let origin = from !== undefined && !before ? await originOf(engine, from, given) : undefined;
  const chosen = choose({ ...given, ...origin?.sizes }, before?.settings, warn);
  checkTogether(chosen);
  const at = (file: string) => runtime.join(data, file);
  const pairs = { train: await readPairs(runtime, at(files.train)), validation: await readPairs(runtime, at(files.validation)) };
  // The test file is needed at the end, which may be hours away: errors in it are reported now.
  if (await isThere(runtime, at(files.test))) await readPairs(runtime, at(files.test));
  const json = await tokenizerOf(runtime, { out, file, origin, resume }, pairs.train, chosen.vocabulary);
  const tokenizer = Tokenizer.from({ tokenizer: json });
  const config = configOf(tokenizer, vocabularyOf(json), chosen);
  const run = await beginRun(engine, { tokenizer, config, pairs, chosen, onWarning: warn });
  const resumed = resume && (await run.trainer.resume(checkpointsOf(runtime, out)));
  if (from !== undefined && !resumed) {
    origin ??= await originOf(engine, from, {});
    run.model.loadStateDict(origin.state);
  }
  if (!resumed && before?.curve.length) warn(`there is no checkpoint in ${out} to go on from: this run begins anew`);
  const { step } = run.trainer.position;
  const opened = { ...run, out, config, chosen, from, curve: (before?.curve ?? []).filter((point) => point.step <= step) };
  // Whatever happens from here on, the settings are known.
  await saveCurve(runtime, opened);
  const counts = `${run.train.length} examples (${run.train.leftOut} left out), ${run.validation.length} for validation`;
  process.stdout.write(`${counts}, ${parametersOf(run)} parameters${step ? `, from step ${step}` : ''}\n`);
  return opened;
}

function saveCurve(runtime: Runtime, run: OpenRun, test?: Scores): Promise<void> {
  const whole: CurveFile = { settings: run.chosen, from: run.from, parameters: parametersOf(run), curve: run.curve, test };
  return writeText(runtime, runtime.join(run.out, 'curve.json'), `${JSON.stringify(whole, null, 1)}\n`);
}

const checkpointsOf = (runtime: Runtime, out: string) => runtime.join(out, 'checkpoints');
const parametersOf = ({ model }: TranslationRun) =>
  [...model.distinctParameters().values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** Settings: those that were asked for, else those of the earlier run, else the recipe's. */
function choose(given: Partial<Settings>, before: Partial<Settings> | undefined, warn: (message: string) => void): Settings {
  const choice = (name: SettingName) => {
    const [now, then] = [given[name], before?.[name]];
    if (now !== undefined && then !== undefined && now !== then)
      warn(`${name} was ${then} when this run began, and is ${now} from here on`);
    if (before && now === undefined && then === undefined)
      throw new HeedError('FORMAT', `curve.json is damaged: it does not say what ${name} was`, {
        culprit: 'curve.json',
        cure: `Say it with ${optionOf(name)}, or begin anew in another folder`,
      });
    return [name, now ?? then ?? settings[name].value];
  };
  return Object.fromEntries(settingNames.map(choice)) as Settings;
}

/** tokenizer.json: the run's own, that of the model it begins with, one that was given, or one that is learned; all but the first are written into the run's folder. */
async function tokenizerOf(
  runtime: Runtime,
  {
    out,
    file,
    origin,
    resume,
  }: { out: string; file: string | undefined; origin: TranslationOrigin | undefined; resume: boolean | undefined },
  pairs: readonly Pair[],
  vocabulary: number,
): Promise<unknown> {
  const own = resume ? await readJson(folderAt(runtime, out), 'tokenizer.json', { optional: true }) : undefined;
  if (own) return own;
  const [folder, name] = file ? splitPath(file) : ['', ''];
  const json = (origin?.tokenizer ??
    (file ? await readJson(folderAt(runtime, folder), name) : await trainBpe(pairs.flat(), bpeOptions(vocabulary)))) as JsonObject;
  const whole = { ...json, post_processor: json.post_processor ?? endOf(json) };
  await writeText(runtime, runtime.join(out, 'tokenizer.json'), JSON.stringify(whole));
  return whole;
}

/** tokenizer.json's template: a source ends with `</s>`. Training puts it there by itself. */
function endOf(json: JsonObject): JsonObject | null {
  const added = Array.isArray(json.added_tokens) ? (json.added_tokens as { content: string; id: number }[]) : [];
  const id = added.find(({ content }) => content === special.eos)?.id;
  if (id === undefined) return null;
  const text = (name: string) => ({ Sequence: { id: name, type_id: 0 } });
  const end = { SpecialToken: { id: special.eos, type_id: 0 } };
  const special_tokens = { [special.eos]: { id: special.eos, ids: [id], tokens: [special.eos] } };
  return { type: 'TemplateProcessing', single: [text('A'), end], pair: [text('A'), end, text('B'), end], special_tokens };
}

const splitPath = (path: string): [folder: string, name: string] => {
  const at = path.lastIndexOf('/');
  return at < 0 ? ['.', path] : [path.slice(0, at) || '/', path.slice(at + 1)];
};

const vocabularyOf = (json: unknown): number => Object.keys((json as { model: { vocab: object } }).model.vocab).length;

/** Trains to the end, and tells of it: a bar, a line and a point of the curve for each validation, TensorBoard's events. */
async function trainModel(engine: Engine, run: OpenRun, signal: AbortSignal): Promise<void> {
  const { trainer, out, chosen, curve } = run;
  const { runtime } = engine;
  const earlier = curve.at(-1)?.seconds ?? 0;
  const began = performance.now();
  let bar = progress('training');
  let written = Promise.resolve();
  const onLog = (record: TrainingRecord) => {
    bar.stop();
    bar = progress('training');
    const { loss: valid_loss = Number.NaN, accuracy: valid_accuracy = Number.NaN } = record.validation ?? {};
    const seconds = earlier + (performance.now() - began) / 1000;
    curve.push({ step: record.step, train_loss: record.loss, valid_loss, valid_accuracy, seconds });
    const figures = [
      `loss ${record.loss.toFixed(4)}`,
      `validation ${valid_loss.toFixed(4)}`,
      `accuracy ${(100 * valid_accuracy).toFixed(1)} %`,
    ];
    process.stdout.write(`step ${record.step}: ${figures.join(', ')}, ${(1 / record.stepsPerSecond).toFixed(2)} s a step\n`);
    written = written.then(() => saveCurve(runtime, run));
    // Whoever waits for it at the end hears of a failure.
    written.catch(() => {});
  };
  try {
    await trainer.fit({
      steps: chosen.steps,
      evaluateEvery: chosen.evaluateEvery,
      checkpoint: { folder: checkpointsOf(runtime, out) },
      tensorboard: runtime.join(out, 'events'),
      onProgress: ({ step, steps, loss }) => bar.update(step, steps, `loss ${loss.toFixed(3)} | `),
      onLog,
      signal,
    });
  } finally {
    bar.stop();
    await written;
  }
}

/** The folder that `AutoModel…from_pretrained` reads. */
async function writeModel(runtime: Runtime, { model, out, config, chosen }: OpenRun, dtype: TrainFlags['dtype']): Promise<void> {
  const at = (file: string) => runtime.join(out, file);
  const json = (file: string, value: unknown) => writeText(runtime, at(file), `${JSON.stringify(value, null, 2)}\n`);
  const { pad_token_id, bos_token_id, eos_token_id, decoder_start_token_id } = config;
  await json('generation_config.json', {
    pad_token_id,
    bos_token_id,
    eos_token_id,
    decoder_start_token_id,
    max_length: chosen.maxTokens + 1,
  });
  const roles = Object.fromEntries(Object.entries(special).map(([role, token]) => [`${role}_token`, token]));
  await json('tokenizer_config.json', { ...roles, clean_up_tokenization_spaces: false });
  await save_pretrained(model, out, { dtype });
}

/** BLEU and chrF of the written model, on test.tsv if there is one; its translations go beside the model. */
async function score(engine: Engine, run: OpenRun, data: string, signal: AbortSignal): Promise<void> {
  const { runtime } = engine;
  const test = runtime.join(data, files.test);
  if (!(await isThere(runtime, test))) return;
  const scores = await evaluate(engine, { model: run.out, data: test, out: runtime.join(run.out, 'test'), beams: 1, signal });
  await saveCurve(runtime, run, scores);
  process.stdout.write(printed(scores));
}

async function hasCheckpoints(runtime: Runtime, out: string): Promise<boolean> {
  try {
    return (await runtime.listFolder(checkpointsOf(runtime, out))).length > 0;
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

async function isThere(runtime: Runtime, location: string): Promise<boolean> {
  try {
    await (await runtime.open(location)).close();
    return true;
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}
