/** What `heed train translation` refuses, before it writes anything. */
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from './command.js';
import { data, json, temporary, train, whole } from './trained.js';
import { small, writeData } from './translator.js';

describe('wrong usage', () => {
  it.each<[string, string[]]>([
    ['no task', ['train']],
    ['a task that there is not', ['train', 'poetry']],
    ['no data', ['train', 'translation', '--out', 'x']],
    ['no folder to write into', ['train', 'translation', '--data', data]],
    ['a step too few', ['train', 'translation', '--data', data, '--out', 'x', '--steps', '0']],
    ['half a head', ['train', 'translation', '--data', data, '--out', 'x', '--heads', '0.5']],
    ['a rate that is no number', ['train', 'translation', '--data', data, '--out', 'x', '--learning-rate', 'fast']],
    ['layers that nobody has', ['train', 'translation', '--data', data, '--out', 'x', '--layers', '5000']],
    ['channels that no address has', ['train', 'translation', '--data', data, '--out', 'x', '--feed-forward', '60000000']],
    ['a share above 1', ['train', 'translation', '--data', data, '--out', 'x', '--label-smoothing', '1.5']],
    ['a mean that would never move', ['train', 'translation', '--data', data, '--out', 'x', '--beta1', '1']],
    ['an option that there is not', ['train', 'translation', '--data', data, '--out', 'x', '--quickly']],
  ])('%s', async (_, args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).not.toMatch(/^ +at /m);
  });
});

describe('what fails', () => {
  it('a folder that has a run in it', async () => {
    const { code, stderr } = await train(whole);
    expect(code).toBe(1);
    expect(stderr).toMatch(/--resume goes on .*\[ARGUMENT\]\n$/);
  });

  it('a tokenizer without the tokens of the recipe', async () => {
    const tokenizer = json(whole, 'tokenizer.json');
    tokenizer.added_tokens = tokenizer.added_tokens.filter(({ content }: { content: string }) => content !== '<2zh>');
    delete tokenizer.model.vocab['<2zh>'];
    const file = join(temporary, 'lacking.json');
    writeFileSync(file, JSON.stringify(tokenizer));
    const { code, stderr } = await train(join(temporary, 'lacking'), '--tokenizer', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/<2zh>.*\[ARGUMENT\]\n$/);
  });

  it.each<[string, string[], RegExp]>([
    ['heads that cannot share the channels', ['--heads', '3'], /3 heads.*16 channels.*--d-model/],
    ['a warmup that never ends', ['--warmup', '40'], /--warmup/],
    ['sentences that are all too long', ['--max-tokens', '1'], /--max-tokens/],
    ['a model that is larger than memory can be', ['--d-model', '60000'], /\[MEMORY\]/],
  ])('%s', async (what, more, message) => {
    const { code, stdout, stderr } = await train(join(temporary, what), ...more);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .+\n$/);
    expect(stderr).toMatch(message);
  });

  it.each<[string, string, RegExp]>([
    ['one column', 'a\nb\n', /test\.tsv has 1 column in line 1.*\[FORMAT\]\n$/],
    ['one column in its last line', 'a\tb\tc\nd\te\nf\n', /test\.tsv: line 3 has 1 column, and a pair has two.*\[FORMAT\]\n$/],
    ['nothing in it', '', /test\.tsv has no pairs.*\[FORMAT\]\n$/],
  ])('before it begins, a test.tsv with %s', async (what, content, message) => {
    const [folder, out] = [join(temporary, what), join(temporary, `${what}, out`)];
    writeData(folder);
    writeFileSync(join(folder, 'test.tsv'), content);
    const { code, stdout, stderr } = await run(['train', 'translation', '--data', folder, '--out', out, ...small]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });

  it.each<[string, (file: { settings: Record<string, unknown>; curve?: unknown }) => void, RegExp]>([
    ['a setting that is no number', ({ settings }) => Object.assign(settings, { dropout: '0.1' }), /dropout is 0\.1.*number/],
    ['a setting out of range', ({ settings }) => Object.assign(settings, { batch: 0 }), /batch is 0.*above|batch is 0.*from 1/],
    ['no curve', (file) => delete file.curve, /curve is undefined/],
    ['a setting less', ({ settings }) => delete settings.beta2, /what beta2 was.*--beta2/],
    ['a curve of something else', (file) => Object.assign(file, { curve: [null] }), /point 0 of curve is null/],
    ['a point without its step', (file) => Object.assign(file, { curve: [{ seconds: 1 }] }), /point 0 of curve/],
  ])('a run to be resumed that was damaged: %s', async (what, damage, message) => {
    const out = join(temporary, `damaged: ${what}`);
    cpSync(whole, out, { recursive: true });
    const file = json(out, 'curve.json');
    damage(file);
    writeFileSync(join(out, 'curve.json'), JSON.stringify(file));
    const { code, stdout, stderr } = await train(out, '--resume');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .*curve\.json is damaged: .*\[FORMAT\]\n$/);
    expect(stderr).toMatch(message);
  });

  it('a run to be resumed that has checkpoints, and has lost its settings', async () => {
    const out = join(temporary, 'lost');
    cpSync(whole, out, { recursive: true });
    rmSync(join(out, 'curve.json'));
    const { code, stderr } = await train(out, '--resume');
    expect(code).toBe(1);
    expect(stderr).toMatch(/has checkpoints, and no curve\.json.*\[NOT_FOUND\]\n$/);
  });

  it('nothing of a run that has lost its checkpoints: it begins anew, and says so', async () => {
    const out = join(temporary, 'begun anew');
    cpSync(whole, out, { recursive: true });
    rmSync(join(out, 'checkpoints'), { recursive: true });
    const { code, stdout, stderr } = await train(out, '--resume');
    expect([code, stderr]).toEqual([0, `heed: there is no checkpoint in ${out} to go on from: this run begins anew\n`]);
    expect(stdout).not.toContain('from step');
  });

  it.each<[string, string | undefined, RegExp]>([
    ['data that are not there', undefined, /train\.tsv.*\[NOT_FOUND\]\n$/],
    ['a line without its translation', 'a\tb\nc\n', /train\.tsv: line 2 .*\[FORMAT\]\n$/],
  ])('%s', async (what, content, message) => {
    const folder = join(temporary, what);
    const out = join(temporary, `${what}, out`);
    writeData(folder);
    if (content === undefined) rmSync(join(folder, 'train.tsv'));
    else writeFileSync(join(folder, 'train.tsv'), content);
    const { code, stderr } = await run(['train', 'translation', '--data', folder, '--out', out, ...small]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});
