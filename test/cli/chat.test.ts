/** `heed chat`: what is answered and kept, from lines, messages and lists; an answer that Ctrl-C stops; what is refused. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { hasTerminal, heed, heedIn, run, sh } from './command.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-chat-'));
afterAll(() => rmSync(temporary, { recursive: true }));
const at = (name: string) => join(temporary, name);

/** A model that never ends an answer by itself, and one that has no template. */
for (const [name, bytes] of Object.entries(tinyWriter)) writeFileSync(at(name), bytes);
const config = JSON.parse(readFileSync(at('config.json'), 'utf8'));
const { eos_token_id: _, ...endless } = { ...config, max_position_embeddings: 1_000_000 };
writeFileSync(at('config.json'), JSON.stringify(endless));

const chat = (args: string[], input: string) => run(['chat', '--deterministic', '--model', temporary, ...args], input);
const answers = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const user = (content: string) => ({ role: 'user', content });
const short = ['--json', '--max-new-tokens', '4'];

describe('from standard input', () => {
  it('answers lines in turn, each with all that was said before', async () => {
    const { code, stdout, stderr } = await chat(short, 'Hi\n\nNo\n/reset\nHi\n/exit\nnever read\n');
    expect([code, stderr]).toEqual([0, '']);
    const [one, two, three, ...more] = answers(stdout);
    expect(one).toEqual({ role: 'assistant', content: expect.stringMatching(/^.{4}$/s), prompt_tokens: 'u:Hi a:'.length, new_tokens: 4 });
    expect(two.prompt_tokens).toBe(`u:Hi a:${one.content} u:No a:`.length);
    expect(three).toEqual(one);
    expect(more).toEqual([]);
  });

  it('answers messages in JSON, a line each or a list, of which those stay that have an answer', async () => {
    const [one] = answers((await chat(short, 'Hi')).stdout);
    const lines = await chat(short, `${JSON.stringify({ role: 'system', content: 'Be.' })}\n${JSON.stringify(user('Hi'))}\n`);
    expect(answers(lines.stdout)[0]).toMatchObject({ prompt_tokens: 's:Be. u:Hi a:'.length });
    const told = await chat([...short, '--system', 'Be.'], 'Hi');
    expect(told.stdout).toBe(lines.stdout);
    const list = [user('Hi'), { role: 'assistant', content: one.content }, user('No')];
    const whole = await chat(short, JSON.stringify(list, undefined, 2));
    expect(whole.stdout).toBe(`${(await chat(short, 'Hi\nNo')).stdout.split('\n')[1]}\n`);
  });

  it('writes the text alone without --json, and saves what was said', async () => {
    const [one] = answers((await chat(short, 'Hi')).stdout);
    const file = at('saved.json');
    const { code, stdout, stderr } = await chat(['--max-new-tokens', '4'], `Hi\n/save ${file}\n/help\n`);
    expect([code, stdout]).toEqual([0, `${one.content}\n`]);
    expect(stderr).toContain(`heed: wrote ${file}\n`);
    expect(stderr).toMatch(/\/reset forget/);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([user('Hi'), { role: 'assistant', content: one.content }]);
  });

  it.each([
    ['a command that there is not', '/sav x', /There is no \/sav\. There are \/reset, .*ARGUMENT/],
    ['a file without a name', '/save', /no file is named/],
    ['a line that is no JSON', 'Hi\n{"role"', /line 2 of standard input: no JSON.*FORMAT/],
    ['a message without a role', '[{"content": "x"}]', /a message is an object without a role/],
    ['a role that gets no answer', JSON.stringify({ role: 'User', content: 'Hi' }), /of the role User, which gets no answer.*ARGUMENT/],
    ['a file that cannot be written', `/save ${temporary}`, /STORAGE/],
  ])('fails at %s', async (_, input, message) => {
    const { code, stderr } = await chat(short, input);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});

describe('Ctrl-C', () => {
  it('stops an answer and keeps the session, with what was written so far', async () => {
    const file = at('stopped.json');
    // What is drawn has spaces, at which words are told.
    const endless = ['--max-new-tokens', '900000', '--temperature', '2', '--seed', '1'];
    const child = spawn(process.execPath, [heed, 'chat', ...endless, '--model', temporary], { timeout: 25_000 });
    let out = '';
    // At the first words of each answer, none of which has a line's end.
    const rest = [`No\n`, `/save ${file}\n/exit\n`];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      if (out.split('\n')[2 - rest.length]) {
        child.kill('SIGINT');
        child.stdin.write(rest.shift() ?? '');
      }
    });
    child.stdin.write('Hi\n');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    const saved = JSON.parse(readFileSync(file, 'utf8'));
    expect(saved.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(out).toBe(`${saved[1].content}\n${saved[3].content}\n`);
    expect(saved[1].content.length).toBeGreaterThan(0);
  }, 60_000);

  it('ends the command where nothing is being answered', async () => {
    const child = spawn(process.execPath, [heed, 'chat', ...short, '--model', temporary]);
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
    child.stdin.write('Hi\n');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
  });
});

it.skipIf(!hasTerminal)(
  'on a terminal shows a prompt, goes on after what fails, and ends with its input',
  async () => {
    const command = `(sleep 2; printf 'Hi\\n/sav\\n/exit\\n') | script -qec '${heedIn} chat --max-new-tokens 4 --model ${temporary}' /dev/null && echo ended`;
    const { code, stdout } = await sh(command);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\/help lists[\s\S]*> [\s\S]*There is no \/sav[\s\S]*ended\n$/);
  },
  30_000,
);

it('refuses a model without a chat template, and a seed without draws', async () => {
  const config = JSON.parse(readFileSync(at('tokenizer_config.json'), 'utf8'));
  writeFileSync(at('tokenizer_config.json'), JSON.stringify({ ...config, chat_template: undefined }));
  const { code, stderr } = await chat([], 'Hi');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no chat template.*heed generate.*ARGUMENT/)]);
  writeFileSync(at('tokenizer_config.json'), JSON.stringify(config));
  expect((await chat(['--seed', '1'], 'Hi')).stderr).toMatch(/--seed would have no effect/);
});
