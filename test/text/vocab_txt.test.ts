/** A folder with vocab.txt instead of tokenizer.json has the same tokenizer, where it is BERT's. */
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import { moreTokenizers } from '../../dist/text/classes/more.js';
import { registerTokenizers } from '../../dist/text/classes/names.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { failureOf, memoryRuntime } from '../io/memory.js';
import { files, tiny } from './tiny.js';

registerTokenizers(moreTokenizers);

const pieces = Object.entries(files.tokenizer.model.vocab as Record<string, number>).sort(([, a], [, b]) => a - b);
const vocab = pieces.map(([piece]) => `${piece}\n`).join('');

const load = (config: object | undefined, own = vocab, more: Record<string, string> = {}) => {
  const written = config && { 'm/tokenizer_config.json': JSON.stringify(config) };
  return Tokenizer.load(folderAt(memoryRuntime({ 'm/vocab.txt': own, ...written, ...more }).runtime, 'm'));
};

const texts = ['A cat, café Über [MASK]!', 'x', '', '漢字 don’t', 'THE END'];

describe('vocab.txt', () => {
  it('gives what tokenizer.json does, for texts and pairs', async () => {
    for (const config of [undefined, {}, { do_lower_case: true, tokenizer_class: 'DistilBertTokenizer' }]) {
      const tokenizer = await load(config);
      for (const text of texts)
        expect(tokenizer(text, { text_pair: texts[0] as string })).toEqual(tiny(text, { text_pair: texts[0] as string }));
      for (const text of texts) expect(tokenizer.decode(tokenizer.encode(text))).toBe(tiny.decode(tiny.encode(text)));
      for (const role of ['pad', 'unk', 'cls', 'sep', 'mask'] as const)
        expect(tokenizer[`${role}_token_id`]).toBe(tiny.token_to_id(`[${role.toUpperCase()}]`));
    }
  });

  it('may be of a cased model, with other special tokens', async () => {
    const cased = await load({ do_lower_case: false }, `${vocab}A\n`);
    expect(cased.encode('A a')).toEqual([2, pieces.length, cased.token_to_id('a'), 3]);
    const named = await load({ cls_token: { content: '<s>' } }, `${vocab}<s>\n`, { 'm/special_tokens_map.json': '{"sep_token":"[PAD]"}' });
    expect(named.encode('a')).toEqual([pieces.length, named.token_to_id('a'), 0]);
  });

  it('may have lines that end as Windows has them', async () => {
    const tokenizer = await load({}, vocab.replaceAll('\n', '\r\n').trimEnd());
    expect(tokenizer.encode('A cat')).toEqual(tiny.encode('A cat'));
  });

  it('of other tokenizers, or without special tokens, does not stand in for tokenizer.json', async () => {
    expect(await failureOf(() => load({ tokenizer_class: 'BertJapaneseTokenizer' }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(() => load({}, 'a\nb\n'))).toMatchObject({
      code: 'FORMAT',
      message: expect.stringMatching(/vocab\.txt.*unk_token/),
    });
    expect((await failureOf(() => load({}, ''))).code).toBe('FORMAT');
  });
});
