/** `heed ask`: the answers that the pipeline gives, out of arguments, files of any length and standard input; where they stand, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine, pipeline } from '../../dist/entry/node.js';
import type { Answer, QuestionAnsweringOptions } from '../../dist/pipelines/question_answering.js';
import { ESC, hasTerminal, onTerminal, run } from './command.js';

const model = fileURLToPath(new URL('../fixtures/pipelines/qa', import.meta.url));
const question = 'Who was Jim?';
const passage = 'Jim Henson was a nice puppet,\nwho lives in Paris.';
/** Longer than what the model reads at once. */
const long = Array.from({ length: 60 }, (_, i) => `In ${1900 + i} Jim was a nice puppet, who lives in Paris.`).join('\n');
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
const file = join(temporary, 'a passage.txt');
const longFile = join(temporary, 'long.txt');

let engine: Engine;
let expected: (text: string, top_k: number, options?: QuestionAnsweringOptions) => Promise<Answer[]>;
beforeAll(async () => {
  writeFileSync(file, passage);
  writeFileSync(longFile, long);
  engine = await createEngine({ threads: 1, deterministic: true });
  const answerer = await pipeline('question-answering', model, { engine });
  expected = async (text, top_k, options) => [await answerer(question, text, { ...options, top_k })].flat();
});
afterAll(async () => {
  await engine.dispose();
  rmSync(temporary, { recursive: true });
});

const ask = (args: string[], input?: string) => run(['ask', question, '--deterministic', '--model', model, ...args], input);

describe('the passage', () => {
  it.each<[string, string[], string, string]>([
    ['the argument itself', ['--context', passage], '', passage],
    ['a file', ['--context', file], '', passage],
    ['standard input', ['--context', '-'], passage, passage],
    ['standard input, without --context', [], passage, passage],
    ['a file that is longer than what the model reads at once', ['--context', longFile], '', long],
  ])('may be %s', async (_, args, input, text) => {
    const { code, stdout, stderr } = await ask(['--json', '--top-k', '3', ...args], input);
    expect([code, stderr]).toEqual([0, '']);
    const answers = await expected(text, 3);
    expect(answers).toHaveLength(3);
    for (const { answer, start, end } of answers) expect(text.slice(start, end)).toBe(answer);
    expect(stdout).toBe(`${JSON.stringify({ question, answers })}\n`);
  });

  it.each([join('no', 'where.txt'), 'nowhere.txt', 'nowhere'])('is no name of a file that is not there: %s', async (name) => {
    const { code, stdout, stderr } = await ask(['--context', name]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .*nowhere|where\.txt .*\[NOT_FOUND\]\n$/);
  });

  it('is no folder, and not nothing', async () => {
    expect((await ask(['--context', temporary])).stderr).toMatch(/^heed: .*folder.*\[NOT_FOUND\]\n$/);
    const { code, stdout, stderr } = await ask([], '');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .*\[ARGUMENT\]\n$/);
  });
});

describe('options', () => {
  it('--max-answer says how long an answer may be', async () => {
    const { stdout } = await ask(['--json', '--top-k', '3', '--max-answer', '1', '--context', passage]);
    const answers = await expected(passage, 3, { max_answer_len: 1 });
    expect(answers).not.toEqual(await expected(passage, 3));
    expect(JSON.parse(stdout)).toEqual({ question, answers });
  });

  it('--unanswerable lets there be no answer', async () => {
    const answers = await expected(passage, 99, { handle_impossible_answer: true });
    expect(answers.some(({ answer }) => answer === '')).toBe(true);
    const args = ['--top-k', '99', '--unanswerable', '--context', passage];
    expect(JSON.parse((await ask(['--json', ...args])).stdout).answers).toEqual(answers);
    expect((await ask(args)).stdout).toMatch(/^ *\d+\.\d % {2}no answer$/m);
  });
});

describe('what people see', () => {
  it('is the answer, what stands around it, and where that is', async () => {
    const [first, second] = await expected(passage, 2);
    const { stdout } = await ask(['--context', file, '--top-k', '2']);
    const lines = stdout.split('\n');
    const flat = passage.replace('\n', ' ');
    expect(lines[0]).toBe(`${`${(100 * (first?.score ?? 0)).toFixed(1)} %`.padStart(7)}  ${first?.answer}`);
    expect(lines[1]).toBe(`  ${flat}`);
    expect(lines[2]).toBe(`  ${file}:1:${(first?.start ?? 0) + 1}`);
    expect(lines[3]).toBe('');
    expect(lines[4]).toContain(second?.answer.replace('\n', ' '));
  });

  it('counts characters where there is no file', async () => {
    const [first] = await expected(passage, 1);
    expect((await ask(['--context', passage])).stdout).toContain(`\n  characters ${first?.start} to ${first?.end}\n`);
  });

  it.skipIf(!hasTerminal)('marks the answer on a terminal', async () => {
    const [first] = await expected(long, 1);
    const { code, stdout } = await onTerminal(['ask', question, '--deterministic', '--model', model, '--context', longFile], {
      columns: 60,
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`${ESC}[7m${first?.answer.replace('\n', ' ')}${ESC}[27m`);
    const line = stdout.split('\n').find((text) => text.includes(`${ESC}[7m`)) ?? '';
    expect(line.replaceAll(`${ESC}[7m`, '').replaceAll(`${ESC}[27m`, '')).toHaveLength(60);
  });
});

it('--help has all options and examples', async () => {
  const { code, stdout } = await run(['ask', '--help']);
  expect(code).toBe(0);
  for (const option of ['context', 'model', 'top-k', 'max-answer', 'unanswerable', 'json', 'threads', 'deterministic'])
    expect(stdout).toContain(`--${option}`);
  expect(stdout.match(/heed ask /g)?.length).toBeGreaterThanOrEqual(3);
});
