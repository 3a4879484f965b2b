/** The program that killed.test.ts kills: trains the tiny run in a folder from wherever it stands, a checkpoint after each step. */
import { writeSync } from 'node:fs';
import { killable } from './tiny.js';

const { trainer, fit } = await killable(process.argv[2] as string);
await trainer.resume(process.argv[2] as string);
await trainer.fit({ ...fit, onProgress: ({ step }) => writeSync(1, `${step}\n`) });
