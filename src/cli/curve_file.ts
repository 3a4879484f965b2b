/** curve.json, the record of a run of `heed train translation`: its settings and its progress. */
import { HeedError, kindOf } from '../errors.js';
import { folderAt } from '../io/folder.js';
import { isObject, readJson } from '../io/json.js';
import type { Runtime } from '../runtime/types.js';
import type { Scores } from './evaluation.js';
import { type Settings, settingNames, wrongWith } from './translation_recipe.js';

/** A point of curve.json: what the recipes of other frameworks call it. */
export interface CurvePoint {
  step: number;
  /** The mean over the targets since the last point; with label smoothing and dropout. */
  train_loss: number;
  valid_loss: number;
  valid_accuracy: number;
  seconds: number;
}

export interface CurveFile {
  /** Scores at the end, on test.tsv, where there is one. */
  test?: Scores | undefined;
  settings: Settings;
  /** Folder of the translator that the run began with, where it began with one. */
  from?: string | undefined;
  parameters: number;
  curve: CurvePoint[];
}

/** Record of a run in a folder. Throws FORMAT for an invalid one. */
export async function readCurve(runtime: Runtime, out: string): Promise<CurveFile | undefined> {
  const file = await readJson(folderAt(runtime, out), 'curve.json', { optional: true });
  if (file === undefined) return;
  const wrong = (what: string, why: string) =>
    new HeedError('FORMAT', `${runtime.join(out, 'curve.json')} is damaged: ${what} is ${why}`, {
      culprit: 'curve.json',
      cure: 'Begin anew in another folder',
    });
  const { settings: chosen, from, curve } = isObject(file) ? file : {};
  if (!isObject(chosen)) throw wrong('settings', kindOf(chosen));
  if (from !== undefined && typeof from !== 'string') throw wrong('from', kindOf(from));
  if (!Array.isArray(curve)) throw wrong('curve', kindOf(curve));
  const points: readonly unknown[] = curve;
  const strange = points.findIndex((point) => !isObject(point) || !Number.isSafeInteger(point.step) || typeof point.seconds !== 'number');
  if (strange >= 0) throw wrong(`point ${strange} of curve`, `${kindOf(points[strange])} without step and seconds`);
  for (const name of settingNames) {
    const why = chosen[name] === undefined ? undefined : wrongWith(name, chosen[name]);
    if (why) throw wrong(name, `${kindOf(chosen[name])}. ${why}`.replace(/\.$/, ''));
  }
  return file as unknown as CurveFile;
}
