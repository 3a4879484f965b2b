/** `heed generate`: what a language model writes, as text and as JSON, as an answer and as it stands, and what is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, AutoTokenizer } from 'heed';
import { describe, expect, it } from 'vitest';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';
import { run } from './command.js';

const generate = (args: string[], input?: string) => run(['generate', '--deterministic', '--model', smollm2, ...args], input);

describe.skipIf(!hasSmollm2)('with SmolLM2', () => {
  it('answers by the chat template, or goes on from the text as it stands', async () => {
    const answer = await generate(['Write one sentence about the sea.', '--max-new-tokens', '24']);
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    expect(answer.stdout).toMatch(/^The sea is a vast and mysterious realm, .*\n$/);
    const { code, stdout } = await generate(['--raw', '--json', '--max-new-tokens', '2'], 'The capital of France is');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ text: 'The capital of France is', generated_text: ' Paris.', prompt_tokens: 5, new_tokens: 2 });
  }, 60_000);

  it('gives an answer the form that it is asked for', async () => {
    const { stdout } = await generate(['Is the sea blue? Answer yes or no.', '--choices', 'yes,no']);
    expect(['yes\n', 'no\n']).toContain(stdout);
    const schema = join(mkdtempSync(join(tmpdir(), 'heed-')), 'schema.json');
    writeFileSync(schema, JSON.stringify({ type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }));
    const { stdout: object } = await generate(['Anna is 34. Give her age as JSON.', '--json-schema', schema]);
    expect(JSON.parse(object)).toEqual({ age: 34 });
    expect((await generate(['Anna is 34. How old is she?', '--regex', '\\d{1,3}', '--json'])).stdout).toMatch(/"generated_text":"\d{1,3}"/);
  }, 60_000);

  it('ends before a text that it is to stop at', async () => {
    const { stdout } = await generate(['Write one sentence about the sea.', '--stop', 'myster', '--stop', '!']);
    expect(stdout).toBe('The sea is a vast and \n');
  }, 60_000);

  it('draws the same by the same seed', async () => {
    const draw = async (seed: string) =>
      (await generate(['Hi', '--temperature', '0.8', '--top-k', '40', '--seed', seed, '--max-new-tokens', '8'])).stdout;
    expect(await draw('1')).toBe(await draw('1'));
    expect(await draw('1')).not.toBe(await draw('2'));
  }, 60_000);

  it('refuses a schema that is no JSON', async () => {
    const { code, stderr } = await generate(['x', '--json-schema', fileURLToPath(import.meta.url)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is no JSON: .*\[FORMAT\]/);
  });

  it.each([
    [['x', '--seed', '1'], /--seed would have no effect/],
    [['x', '--raw', '--system', 'Be brief.'], /--system would have no effect/],
    [[''], /There is no text/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await generate(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});

it('puts an adapter on, and says what is wrong with one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-adapter-'));
  for (const [name, bytes] of Object.entries(tinyWriter)) writeFileSync(join(folder, name), bytes);
  const adapter = (name: string) => ['--adapter', fileURLToPath(new URL(`../fixtures/lora/${name}`, import.meta.url))];
  const write = (...more: string[]) =>
    run(['generate', 'The sea', '--raw', '--json', '--deterministic', '--max-new-tokens', '8', '--model', folder, ...more]);
  const [bare, adapted, wrong] = await Promise.all([write(), write(...adapter('queries')), write(...adapter('gpt2'))]);
  rmSync(folder, { recursive: true });
  const model = await AutoModelForCausalLM.from_pretrained(tinyWriter);
  await model.load_adapter(adapter('queries')[1] as string);
  const tokenizer = await AutoTokenizer.from_pretrained(tinyWriter);
  const ids = await model.generate({ ...tokenizer('The sea'), max_new_tokens: 8 });
  expect(JSON.parse(adapted.stdout).generated_text).toBe(
    tokenizer.decode((ids.tolist() as number[][])[0] as number[], { skip_special_tokens: true }).slice('The sea'.length),
  );
  expect(JSON.parse(bare.stdout).generated_text).not.toBe(JSON.parse(adapted.stdout).generated_text);
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/"transformer.h.0.attn.c_attn".*UNSUPPORTED/) });
}, 60_000);

it('refuses a model of another kind, and says how it is loaded', async () => {
  const { code, stderr } = await run(['generate', 'x', '--model', fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url))]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/bert is an encoder, and what was asked for is a decoder\. Use AutoModel \[UNSUPPORTED\]/);
});

it.each([
  ['--temperature', '0'],
  ['--top-p', '1.5'],
  ['--top-k', 'x'],
  ['--max-new-tokens', '0'],
  ['--min-p', '2'],
  ['--choices', 'a,,b'],
])('takes no %s of %s', async (flag, value) => {
  expect((await run(['generate', 'x', '--model', 'y', flag, value])).code).toBe(2);
});

it('gives an answer one form', async () => {
  const { code, stderr } = await run(['generate', 'x', '--model', 'y', '--regex', 'a', '--choices', 'b']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/cannot be used with/);
});
