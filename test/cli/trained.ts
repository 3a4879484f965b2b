/** A run of `heed train translation` that went well, for tests of others like it, and their folder. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Outcome, run } from './command.js';
import { small, writeData } from './translator.js';

export const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
export const data = writeData(join(temporary, 'data'));
export const train = (out: string, ...more: string[]): Promise<Outcome> =>
  run(['train', 'translation', '--data', data, '--out', out, ...small, ...more]);
export const read = (...path: string[]) => readFileSync(join(...path));
export const json = (...path: string[]) => JSON.parse(read(...path).toString());
/** All that is the same in two runs. */
export const lasting = (out: string) => {
  const { curve, ...rest } = json(out, 'curve.json');
  const weights = read(out, 'model.safetensors').toString('base64');
  return { ...rest, weights, curve: curve.map(({ seconds: _, ...point }: Record<string, number>) => point) };
};

export const whole = join(temporary, 'whole');
export let outcome: Outcome;
beforeAll(async () => {
  outcome = await train(whole);
}, 60_000);
afterAll(() => rmSync(temporary, { recursive: true }));
