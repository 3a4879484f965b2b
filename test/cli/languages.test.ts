/** `heed translate --from --to` with a model of many languages: what transformers reads in each, and writes. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pipeline } from 'heed';
import { afterAll, expect, it } from 'vitest';
import { run } from './command.js';

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'heed-from-'));
afterAll(() => rmSync(folder, { recursive: true }));
for (const from of ['hf/m2m_100', 'translators/nllb']) cpSync(at(from), folder, { recursive: true });
const { nllb } = JSON.parse(readFileSync(at('translators/expected.json'), 'utf8')) as {
  nllb: { src_lang: string; tgt_lang: string; text: string }[];
};
const translate = (...args: string[]) => run(['translate', '--model', folder, '--deterministic', '--beams', '2', ...args]);

it('tells the model the language of the texts', async () => {
  const [one] = nllb;
  if (!one) throw new Error('no case');
  const { text, src_lang, tgt_lang } = one;
  const translator = await pipeline('translation', folder);
  const written = async (src_lang: string) => (await translator(text, { src_lang, tgt_lang, num_beams: 2 }))[0]?.translation_text;
  const other = nllb.map((each) => each.src_lang).find((code) => code !== src_lang) as string;
  for (const from of [src_lang, other]) {
    const { code, stdout, stderr } = await translate(text, '--from', from, '--to', tgt_lang, '--json');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ source: text, translation: await written(from), score: expect.any(Number) });
    expect((await translate(text, '--from', from, '--to', tgt_lang)).stdout).toBe(`${await written(from)}\n`);
  }
  translator.dispose();
}, 60_000);

it('names the languages that there are', async () => {
  const { code, stderr } = await translate('x', '--from', 'xx', '--to', nllb[0]?.tgt_lang as string);
  expect(code).toBe(1);
  expect(stderr).toMatch(/knows no language "xx".*eng_Latn.*ARGUMENT/);
});
