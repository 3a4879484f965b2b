/** The fuzz of main.ts, in processes of its own: of folders 1,000 inputs, in CI 100,000, of GGUF files 300 and 10,000, of pictures 500 and 5,000, of sounds 300 and 5,000, or as many as HEED_FUZZ says. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { amount } from '../thorough.js';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

it.each([
  ['folders', amount(100_000, 1000)],
  ['gguf', amount(10_000, 300)],
  ['images', amount(5000, 500)],
  ['sound', amount(5000, 300)],
] as const)(
  'changed files and calls end in an error that names its culprit or in a right answer, and leave nothing behind: %s',
  async (what, usual) => {
    const count = Number(process.env.HEED_FUZZ || usual);
    const child = spawn(process.execPath, [path('../../scripts/run.mjs'), path('main.ts'), String(count), '1', what]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0 || count > 1000) console.log(output);
    expect(code).toBe(0);
    expect(output).toMatch(/^nothing failed$/m);
  },
  60_000 + Number(process.env.HEED_FUZZ || amount(100_000, 1000)) * 20,
);
