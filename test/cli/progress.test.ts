/** Bars: on a terminal for what takes longer than a moment, gone when it is over, and nowhere else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ESC, hasTerminal, onTerminal, run, writeSignaller } from './command.js';
import { small, writeData } from './translator.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
const data = writeData(join(temporary, 'data'));
afterAll(() => rmSync(temporary, { recursive: true }));
/** A run that takes some seconds. */
const slow = (out: string) => [
  'train',
  'translation',
  '--data',
  data,
  '--out',
  join(temporary, out),
  ...small,
  '--steps',
  '300',
  '--evaluate-every',
  '300',
];

// Runs of some seconds.
describe('bars', { timeout: 60_000 }, () => {
  it.skipIf(!hasTerminal)('show on a terminal how far the work is, and leave its lines to wrap', async () => {
    const { code, stdout } = await onTerminal(slow('watched'));
    expect(code).toBe(0);
    const shares = Array.from(stdout.matchAll(/training .*?(\d+)% \| loss \d+\.\d+ \| .*? left/g), ([, share]) => Number(share));
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    // The terminal's mode of wrapping lines: off while a bar is there, on at the end.
    expect(stdout).toContain(`${ESC}[?7l`);
    expect(stdout.lastIndexOf(`${ESC}[?7h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESC}[?7l`));
  });

  it.skipIf(!hasTerminal)('leave the terminal as it was when the command is ended', async () => {
    // As soon as there is a bar, however long that takes here.
    const signaller = writeSignaller(join(temporary, 'signaller.mjs'), 'stderr', /training .*%/, 'SIGTERM');
    const { stdout } = await onTerminal([...slow('ended'), '--steps', '60000'], { variables: `NODE_OPTIONS=--import=${signaller}` });
    expect(stdout.lastIndexOf(`${ESC}[?7h`)).toBeGreaterThan(stdout.lastIndexOf(`${ESC}[?7l`));
    expect(stdout).toContain(`${ESC}[?7l`);
  });

  it.skipIf(!hasTerminal)('do not show on a terminal that has no commands for it', async () => {
    const { code, stdout } = await onTerminal(slow('dumb'), { variables: 'TERM=dumb' });
    expect([code, stdout.includes(ESC)]).toEqual([0, false]);
  });

  it('do not show elsewhere', async () => {
    const { code, stdout, stderr } = await run(slow('unwatched'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('training');
    expect(stdout).not.toContain(ESC);
  });
});
