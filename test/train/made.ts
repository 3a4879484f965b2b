/** Trainers and folders that end with the test that made them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Engine } from '../../dist/entry/node.js';
import { type TinyOptions, tiny } from './tiny.js';

const engines: Engine[] = [];
export const make = async (options: TinyOptions = {}) => {
  const made = await tiny(options);
  engines.push(made.engine);
  return made;
};
const folders: string[] = [];
export const temporary = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heed-trainer-'));
  folders.push(folder);
  return folder;
};
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.dispose();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});
