/** The short form of scripts/soak.mjs, whose long form, 10,000 forwards, is run by hand. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('leaves memory and heap after 500 forwards of any shape where they were after 100', async () => {
  const script = fileURLToPath(new URL('../../scripts/soak.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, '500'], { timeout: 110_000 }).catch((error) => {
    throw new Error(`${error.stdout}${error.stderr}`);
  });
  expect(stdout).toMatch(/^ +500 forwards: .*\nnothing grew\n$/m);
}, 120_000);
