/** `heed attend`: the same weights as the model gives, as numbers and as a page; where it writes, and what it refuses. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { AutoModel, AutoTokenizer, createEngine } from '../../dist/entry/node.js';
import { decode, type PageData } from '../../dist/pictures/codes.js';
import type { HostTensor } from '../../dist/tensor.js';
import { tinyPath } from '../models/files.js';
import { notice, run } from './command.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
const text = 'a </script>';
const attend = (...args: string[]) => run(['attend', text, '--max-tokens', '4', '--deterministic', '--model', tinyPath, ...args]);
const dataOf = (html: string): PageData =>
  JSON.parse(html.match(/<script type="application\/json" id="data">([\s\S]*?)<\/script>/)?.[1] ?? '');

let engine: Engine;
let tokens: string[];
let attentions: HostTensor[];
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  const model = await AutoModel.from_pretrained(tinyPath, { engine });
  const tokenizer = await AutoTokenizer.from_pretrained(tinyPath);
  const ids = tokenizer.encode(text, { truncation: true, max_length: 4 });
  tokens = ids.map((id) => tokenizer.id_to_token(id) ?? '');
  const output = await model({ input_ids: [ids] }, { output_attentions: true });
  attentions = output.attentions ?? [];
});
afterAll(async () => {
  rmSync(temporary, { recursive: true });
  await engine.dispose();
});

describe('heed attend', () => {
  it('--json prints tokens and weights, as the model gives them, on one line', async () => {
    const { code, stdout, stderr } = await attend('--json');
    expect([code, stderr, stdout.indexOf('\n')]).toEqual([0, notice, stdout.length - 1]);
    expect(JSON.parse(stdout)).toEqual({ tokens, attentions: attentions.map((layer) => (layer.tolist() as unknown[])[0]) });
  });

  it('--out writes a page with the weights of all layers, and prints nothing', async () => {
    const out = join(temporary, 'page.html');
    expect(await attend('--out', out)).toEqual({ code: 0, stdout: '', stderr: `${notice}heed: wrote ${out}\n` });
    expect(readdirSync(temporary)).toEqual(['page.html']);
    const html = readFileSync(out, 'utf8');
    expect(html).toContain('<h1 dir="auto">a &lt;/script&gt;</h1>');
    const { tokens: own, groups } = dataOf(html);
    expect(own.source).toEqual(tokens);
    expect(groups.map(({ name, layers, heads }) => [name, layers, heads])).toEqual([['Encoder', 2, 4]]);
    const drawn = decode(groups[0]?.weights ?? '', groups[0]?.code ?? 'u8');
    const exact = attentions.flatMap(({ data }) => Array.from(data));
    expect(drawn).toHaveLength(exact.length);
    for (const [i, w] of exact.entries()) expect(Math.abs((drawn[i] as number) - w)).toBeLessThan(1e-5);
  });

  it('--json and --out together do both', async () => {
    const out = join(temporary, 'both.html');
    const { stdout } = await attend('--out', out, '--json');
    expect(JSON.parse(stdout).tokens).toEqual(tokens);
    expect(existsSync(out)).toBe(true);
  });

  it('--help has all options and examples', async () => {
    const { code, stdout } = await run(['attend', '--help']);
    expect(code).toBe(0);
    for (const option of ['model', 'out', 'json', 'max-tokens', 'threads', 'deterministic']) expect(stdout).toContain(`--${option}`);
    expect(stdout.match(/^ {2}heed attend /gm)?.length).toBeGreaterThanOrEqual(2);
  });

  it.each<[number, string[]]>([
    [2, ['attend', '--model', tinyPath, '--json']],
    [2, ['attend', 'a', 'b', '--model', tinyPath, '--json']],
    [1, ['attend', 'a', '--model', tinyPath]],
    [1, ['attend', 'a', '--model', tinyPath, '--json', '--max-tokens', '65']],
  ])('ends with %i where there is no text, one too many, or nowhere to write: heed %j', async (want, args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([want, '']);
    expect(stderr.replace(notice, '')).toMatch(want === 1 ? /^heed: .+\[ARGUMENT\]\n$/ : /^error: /);
  });

  it('fails where the page cannot be written', async () => {
    mkdirSync(join(temporary, 'folder'));
    const { code, stdout, stderr } = await attend('--out', join(temporary, 'folder'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/folder.*\[STORAGE\]\n$/);
  });

  it('fails where the model is not there, and writes nothing', async () => {
    const out = join(temporary, 'none.html');
    const { code, stderr } = await run(['attend', 'a', '--model', join(temporary, 'nowhere'), '--out', out]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^heed: .*nowhere.*\[NOT_FOUND\]\n$/);
    expect(existsSync(out)).toBe(false);
  });
});
