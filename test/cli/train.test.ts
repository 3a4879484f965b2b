/** `heed train translation`: what a run leaves behind, and that it goes on with the same bits however it was stopped. */
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../dist/entry/node.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { tinyPath } from '../models/files.js';
import { heedIn, type Outcome, run, sh, writeSignaller } from './command.js';
import { data, json, lasting, outcome, read, temporary, train, whole } from './trained.js';
import { small, writeData } from './translator.js';

describe('a run', () => {
  it('tells of its data, and of every validation', () => {
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const [first, ...lines] = outcome.stdout.trimEnd().split('\n');
    expect(first).toMatch(/^180 examples \(0 left out\), 20 for validation, \d+ parameters$/);
    expect(lines.slice(0, 4).map((line) => line.replace(/\d+\.\d+/g, '#'))).toEqual(
      [10, 20, 30, 40].map((step) => `step ${step}: loss #, validation #, accuracy # %, # s a step`),
    );
    // What `heed evaluate` prints, which translate.test.ts compares.
    expect(lines.slice(4, -1).join('\n')).toMatch(
      /^en-zh, 6 sentences\n {2}BLEU.*\n {2}chrF2.*\nzh-en, 6 sentences\n {2}BLEU.*\n {2}chrF2.*$/,
    );
    expect(lines.at(-1)).toContain(whole);
  });

  it('without test.tsv ends without scores', async () => {
    const [folder, out] = [join(temporary, 'untested'), join(temporary, 'untested, out')];
    rmSync(join(writeData(folder), 'test.tsv'));
    const { code, stdout } = await run(['train', 'translation', '--data', folder, '--out', out, ...small, '--steps', '10']);
    expect([code, stdout.includes('BLEU')]).toEqual([0, false]);
    expect(json(out, 'curve.json').test).toBeUndefined();
    expect(existsSync(join(out, 'test.en-zh.txt'))).toBe(false);
  });

  it('learns', () => {
    const { curve } = json(whole, 'curve.json');
    expect(curve.map(({ step }: { step: number }) => step)).toEqual([10, 20, 30, 40]);
    expect(curve.at(-1).valid_loss).toBeLessThan(0.8 * curve[0].valid_loss);
    expect(curve.at(-1).valid_accuracy).toBeGreaterThan(curve[0].valid_accuracy);
  });

  it('leaves a model that loads, with the tokenizer that it was trained with', async () => {
    expect(readdirSync(whole).sort()).toEqual([
      ...['checkpoints', 'config.json', 'curve.json', 'events', 'generation_config.json'],
      ...['model.safetensors', 'test.en-zh.txt', 'test.zh-en.txt', 'tokenizer.json', 'tokenizer_config.json'],
    ]);
    const { vocab_size, pad_token_id, bos_token_id, eos_token_id } = json(whole, 'config.json');
    expect([pad_token_id, bos_token_id, eos_token_id]).toEqual([0, 2, 3]);
    const tokenizer = json(whole, 'tokenizer.json');
    expect(Object.keys(tokenizer.model.vocab).slice(0, 6)).toEqual(['<pad>', '<unk>', '<s>', '</s>', '<2zh>', '<2en>']);
    expect(Object.keys(tokenizer.model.vocab)).toHaveLength(vocab_size);
    const engine = await createEngine({ threads: 1 });
    const { module } = await loadPretrained(engine, whole, 'encoder-decoder');
    expect(module.dims).toMatchObject({ C: 16, V: vocab_size });
    await engine.dispose();
  });

  it('is another one with another seed', async () => {
    const other = join(temporary, 'other');
    await train(other, '--seed', '1', '--steps', '10');
    expect(json(other, 'curve.json').curve[0].train_loss).not.toBe(json(whole, 'curve.json').curve[0].train_loss);
  });

  it('writes 8-bit weights where it is asked to, and scores those', async () => {
    const out = join(temporary, 'eight bits');
    const { code, stdout } = await train(out, '--dtype', 'q8');
    expect(code).toBe(0);
    expect(json(out, 'config.json').quantization_config).toEqual({ quant_method: 'heed', bits: 8, group_size: 32 });
    expect(read(out, 'model.safetensors').length).toBeLessThan(0.6 * read(whole, 'model.safetensors').length);
    const { curve, test } = json(out, 'curve.json');
    expect(curve.map((point: Record<string, number>) => point.train_loss)).toEqual(
      lasting(whole).curve.map(({ train_loss }: Record<string, number>) => train_loss),
    );
    const evaluated = await run([
      'evaluate',
      '--data',
      join(data, 'test.tsv'),
      '--model',
      out,
      '--threads',
      '1',
      '--deterministic',
      '--json',
    ]);
    expect(JSON.parse(evaluated.stdout)).toEqual(test);
    expect(stdout).toContain(test['en-zh'].bleu.line);
  });

  it('takes a tokenizer that is there', async () => {
    const out = join(temporary, 'given');
    const file = join(whole, 'tokenizer.json');
    const { code } = await train(out, '--tokenizer', file, '--vocabulary', '7', '--steps', '10');
    expect(code).toBe(0);
    expect(read(out, 'tokenizer.json').equals(read(file))).toBe(true);
    expect(lasting(out).curve[0].train_loss).not.toBeNaN();
  });
});

/** Runs until a line of standard output fits, when the process gets a signal; gives the exit code. */
async function stop(args: readonly string[], line: RegExp, signal: NodeJS.Signals): Promise<number | null> {
  const signaller = writeSignaller(join(temporary, 'signaller.mjs'), 'stdout', line, signal);
  const { code } = await run(args, '', [process.execPath, '--import', pathToFileURL(signaller).href]);
  return code;
}

const ofSmall = (out: string) => ['train', 'translation', '--data', data, '--out', out, ...small];

/** Goes on with a run, without its settings: those are the run's. */
const resume = (out: string, ...more: string[]): Promise<Outcome> =>
  run(['train', 'translation', '--data', data, '--out', out, '--threads', '1', '--deterministic', '--resume', ...more]);

describe('a run that was stopped', () => {
  it.each<[string, RegExp]>([
    ['before its first step', /parameters/],
    ['after a validation', /step 10:/],
    ['later', /step 30:/],
  ])('by SIGKILL %s ends with the same bits', async (when, line) => {
    const out = join(temporary, `killed ${when}`);
    expect(await stop(ofSmall(out), line, 'SIGKILL')).toBeNull();
    expect(existsSync(join(out, 'model.safetensors'))).toBe(false);
    const { code, stderr } = await resume(out);
    expect([code, stderr]).toEqual([0, '']);
    expect(lasting(out)).toEqual(lasting(whole));
  });

  it('by SIGINT ends with 130, says how to go on, and keeps the steps that it took', async () => {
    const out = join(temporary, 'interrupted');
    expect(await stop(ofSmall(out), /step 10:/, 'SIGINT')).toBe(130);
    const { code, stdout } = await train(out, '--resume');
    expect(code).toBe(0);
    expect(Number(/from step (\d+)/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(10);
    expect(lasting(out)).toEqual(lasting(whole));
  });

  it('by SIGINT while it is scored has its model, and is scored when it goes on', async () => {
    const out = join(temporary, 'unscored');
    expect(await stop(ofSmall(out), /step 40:/, 'SIGINT')).toBe(130);
    const { code } = await train(out, '--resume');
    expect(code).toBe(0);
    expect(lasting(out)).toEqual(lasting(whole));
  });

  it('goes on further where more steps are asked for, and says what is new', async () => {
    const out = join(temporary, 'further');
    cpSync(whole, out, { recursive: true });
    const { code, stderr } = await resume(out, '--steps', '50');
    expect([code, stderr]).toEqual([0, 'heed: steps was 40 when this run began, and is 50 from here on\n']);
    expect(json(out, 'curve.json').curve.at(-1).step).toBe(50);
  });
});

it('goes on to its end where nobody reads what it prints, and says so once', async () => {
  const out = join(temporary, 'unread');
  const args = ofSmall(out);
  const { stdout, stderr } = await sh(`${heedIn} ${args.map((arg) => `'${arg}'`).join(' ')} | head -n 1; echo "\${PIPESTATUS[0]}"`);
  expect(stdout).toMatch(/^180 examples.*\n0\n$/);
  expect(stderr).toMatch(/^heed: nobody reads .*\n$/);
  expect(lasting(out)).toEqual(lasting(whole));
});

describe('a run that begins with a translator', () => {
  const schedule = ['--steps', '20', '--warmup', '5', '--batch', '16', '--evaluate-every', '10', '--learning-rate', '0.003'];
  const from = (out: string, ...more: string[]) =>
    run(['train', 'translation', '--data', data, '--out', out, ...schedule, '--threads', '1', '--deterministic', ...more]);

  it('has its sizes and its tokenizer, and knows at once what it knew', async () => {
    const out = join(temporary, 'taught');
    const { code, stderr } = await from(out, '--from', whole);
    expect([code, stderr]).toEqual([0, '']);
    expect(read(out, 'tokenizer.json').equals(read(whole, 'tokenizer.json'))).toBe(true);
    expect(json(out, 'config.json')).toEqual(json(whole, 'config.json'));
    const [{ curve: taught }, { curve: before }] = [json(out, 'curve.json'), json(whole, 'curve.json')];
    expect(taught[0].train_loss).toBeLessThan(before[1].train_loss);
    expect(taught.at(-1).valid_loss).toBeLessThan(before.at(-1).valid_loss);
  });

  it.each(['parameters', 'step 10:'])('and is killed at "%s" ends with the same bits', async (line) => {
    const out = join(temporary, `taught until ${line}`);
    const args = ['train', 'translation', '--data', data, '--out', out, ...schedule, '--threads', '1', '--deterministic', '--from', whole];
    expect(await stop(args, new RegExp(line), 'SIGKILL')).toBeNull();
    const { code, stderr } = await resume(out);
    expect([code, stderr]).toEqual([0, '']);
    expect(lasting(out)).toEqual(lasting(join(temporary, 'taught')));
  });

  it('may begin with 8-bit weights', async () => {
    const out = join(temporary, 'taught by eight bits');
    expect((await from(out, '--from', join(temporary, 'eight bits'))).code).toBe(0);
    const { curve } = json(out, 'curve.json');
    expect(curve[0].train_loss).toBeCloseTo(json(temporary, 'taught', 'curve.json').curve[0].train_loss, 1);
  });

  it.each<[string, string[], RegExp]>([
    ['other sizes', ['--from', whole, '--d-model', '32'], /--d-model is 32, and .* has 16.*\[ARGUMENT\]/],
    ['a model of another kind', ['--from', tinyPath], /an encoder, and what was asked for is an encoder-decoder.*\[UNSUPPORTED\]/],
    ['a folder that is not there', ['--from', join(temporary, 'nowhere')], /\[NOT_FOUND\]/],
  ])('refuses %s', async (what, more, message) => {
    const out = join(temporary, `not taught: ${what}`);
    const { code, stderr } = await from(out, ...more);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(existsSync(out)).toBe(false);
  });

  it('refuses another beginning when it goes on, and a tokenizer beside', async () => {
    const { code, stderr } = await resume(join(temporary, 'taught'), '--from', join(temporary, 'eight bits'));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/began with .*whole.*\[ARGUMENT\]/)]);
    expect((await from(join(temporary, 'both'), '--from', whole, '--tokenizer', join(whole, 'tokenizer.json'))).code).toBe(2);
  });
});

it('--resume says where there is no run to go on with', async () => {
  const out = join(temporary, 'none');
  const { code, stderr } = await train(out, '--resume', '--steps', '10');
  expect([code, stderr]).toEqual([0, `heed: there is no run in ${out} to go on with: this one begins anew\n`]);
});

it('--help has all settings and examples', async () => {
  const { code, stdout } = await run(['train', 'translation', '--help']);
  expect(code).toBe(0);
  for (const option of [
    'data',
    'out',
    'tokenizer',
    'resume',
    'threads',
    'deterministic',
    'steps',
    'batch',
    'seed',
    'warmup',
    'd-model',
    'clip',
  ])
    expect(stdout).toContain(`--${option}`);
  expect(stdout.match(/^ {2}heed train /gm)?.length).toBeGreaterThanOrEqual(2);
});
