/** The short forms of scripts/soak.mjs, whose long form, 10,000 forwards, is run by hand. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { amount } from '../thorough.js';

const count = amount(500, 150);

it(`leaves memory and heap after ${count} forwards of any shape where they were after 100`, async () => {
  const script = fileURLToPath(new URL('../../scripts/soak.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, String(count)], { timeout: 110_000 }).catch(
    (error) => {
      throw new Error(`${error.stdout}${error.stderr}`);
    },
  );
  expect(stdout).toContain(` ${count} forwards: `);
  expect(stdout).toMatch(/\nnothing grew\n$/);
}, 120_000);
