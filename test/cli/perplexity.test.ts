/** `heed evaluate --perplexity`: the perplexity of a file, as text and as JSON, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { run } from './command.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-perplexity-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const [name, bytes] of Object.entries(tinyWriter)) writeFileSync(join(folder, name), bytes);
const { text, counts } = JSON.parse(readFileSync(new URL('../fixtures/causal/perplexity.json', import.meta.url), 'utf8'));
const file = join(folder, 'text.txt');
writeFileSync(file, text);
const evaluate = (...args: string[]) => run(['evaluate', '--deterministic', '--perplexity', file, ...args]);

it('prints what PyTorch counts', async () => {
  const [{ bos: _, ...counted }] = counts;
  const json = await evaluate('--model', folder, '--context', '16', '--json');
  expect(json).toMatchObject({ code: 0, stderr: '' });
  const { perplexity, standard_error } = JSON.parse(json.stdout);
  expect(JSON.parse(json.stdout)).toEqual({
    ...counted,
    perplexity: expect.closeTo(counted.perplexity, 2),
    standard_error: expect.closeTo(counted.standard_error, 2),
  });
  const { stdout } = await evaluate('--model', folder, '--context', '16');
  expect(stdout).toBe(
    `perplexity ${perplexity.toFixed(4)} ± ${standard_error.toFixed(4)}: ${counted.tokens} tokens, of ${counted.chunks} chunks of 16\n`,
  );
});

it.each([
  [1, ['--model', folder, '--context', '300'], /context is 300/],
  [2, [], /--model/],
  [2, ['--model', folder, '--beams', '2'], /'--beams' goes with --data/],
  [2, ['--model', folder, '--data', 'pairs.tsv'], /--data for a translator, or --perplexity/],
] as const)('ends with %i for %j', async (code, args, message) => {
  const ended = await evaluate(...args);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(message);
});
