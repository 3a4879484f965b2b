/** Letters of models with CTC: a vocabulary alone is a tokenizer, which writes and reads what transformers' does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { AutoTokenizer } from '../../dist/entry/node.js';

const fixtures = fileURLToPath(new URL('../fixtures/ctc/', import.meta.url));
const { texts, rows } = JSON.parse(readFileSync(`${fixtures}letters.json`, 'utf8')) as {
  texts: [text: string, ids: number[]][];
  rows: [ids: number[], text: string, plain: string][];
};

it('are read and written as transformers has them, also when the tokenizer was saved', async () => {
  const tokenizer = await AutoTokenizer.from_pretrained(`${fixtures}group`);
  const folder = mkdtempSync(join(tmpdir(), 'heed-letters-'));
  try {
    await tokenizer.save_pretrained(folder);
    for (const one of [tokenizer, await AutoTokenizer.from_pretrained(folder)]) {
      for (const [text, ids] of texts) expect(one.encode(text), text).toEqual(ids);
      for (const [ids, text, plain] of rows) {
        expect(one.decode(ids)).toBe(text);
        expect(one.decode(ids, { skip_special_tokens: true })).toBe(plain);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
