/**
 * A run that is killed at any moment, amid writing a checkpoint too, and resumed ends with the bits of one that was not: eight processes, in CI 50, or as many as
 * HEED_KILLS says, get SIGKILL at random moments, and this one goes on from what they leave.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { Random } from '../../dist/train/index.js';
import { bundle } from '../../scripts/run.mjs';
import { amount } from '../thorough.js';
import { digestOf, killable } from './tiny.js';

const KILLS = Number(process.env.HEED_KILLS || amount(50, 8));

/** The end of a run in this folder, and the step at which it took over. */
async function finish(folder: string, engine: Engine) {
  const { model, optimizer, trainer, bits, fit } = await killable(folder, engine);
  await trainer.resume(folder);
  const from = trainer.position.step;
  await trainer.fit(fit);
  const end = { bits: bits(), checkpoint: digestOf(await trainer.save()) };
  optimizer.dispose();
  model.dispose();
  return { from, steps: fit.steps, end };
}

/** Starts the program, and kills it after so many steps, the last of which may be a part: of a step's time as the process itself has shown it, since machines differ from moment to moment. */
async function kill(program: string, folder: string, after: number): Promise<void> {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let [steps, began] = [0, 0];
  const reached = new Promise<void>((resolve) =>
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      began ||= performance.now();
      steps += text.split('\n').length - 1;
      if (steps >= Math.floor(after)) resolve();
    }),
  );
  await Promise.race([reached, ended]);
  const pace = (performance.now() - began) / Math.max(1, steps - 1);
  await Promise.race([setTimeout((after % 1) * pace), ended]);
  child.kill('SIGKILL');
  await ended;
}

it(`ends with the same bits when it was killed, ${KILLS} times`, async () => {
  const root = await mkdtemp(join(tmpdir(), 'heed-killed-'));
  const program = await bundle(fileURLToPath(new URL('killed_main.ts', import.meta.url)));
  const engine = await createEngine({ threads: 1, deterministic: true });
  const { end, steps } = await finish(join(root, 'whole'), engine);
  const random = new Random(Date.now());
  let [amidWriting, amidRun] = [0, 0];
  const trial = async (number: number) => {
    const folder = join(root, `${number}`);
    await kill(program, folder, random.uniform() * steps);
    const left = await readdir(folder).catch(() => []);
    const { from, end: again } = await finish(folder, engine);
    expect(again).toEqual(end);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    if (left.some((name) => name.endsWith('.tmp'))) amidWriting++;
    if (from > 0 && from < steps) amidRun++;
  };
  const trials = Array.from({ length: KILLS }, (_, i) => i).values();
  const lane = async () => {
    for (const number of trials) await trial(number);
  };
  try {
    await Promise.all(Array.from({ length: 4 }, lane));
    expect(amidRun).toBeGreaterThan(0);
    if (KILLS < 16) return;
    // A third of the time goes into writing.
    expect(amidWriting).toBeGreaterThan(0);
    expect(amidRun).toBeGreaterThan(KILLS / 2);
  } finally {
    await engine.dispose();
    await rm(root, { recursive: true, force: true });
  }
}, 180_000);
