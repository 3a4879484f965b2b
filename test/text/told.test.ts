/** What a tokenizer is told holds, in calls and in files: padding_side, lengths, roles; a tokenizer that is saved is the same one when it is loaded. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AutoTokenizer } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import type { Runtime } from '../../dist/runtime/types.js';
import { moreTokenizers } from '../../dist/text/classes/more.js';
import { registerTokenizers } from '../../dist/text/classes/names.js';
import { type CallableTokenizer, Tokenizer } from '../../dist/text/tokenizer.js';
import { failureOf, memoryRuntime } from '../io/memory.js';
import { tinyPath } from '../models/files.js';

registerTokenizers(moreTokenizers);
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(temporary, { recursive: true }));
const load = () => AutoTokenizer.from_pretrained(tinyPath);
const texts = ['a cat', 'a'];

describe('a tokenizer that is told', () => {
  it('to pad on the left does so, called and by its methods', async () => {
    const tokenizer = await load();
    tokenizer.padding_side = 'left';
    expect(tokenizer.padding_side).toBe('left');
    for (const batch of [tokenizer(texts, { padding: true }), tokenizer.batch(texts, { padding: true })])
      expect(batch.attention_mask.tolist()[1]).toEqual([0, 0, 0, 1, 1, 1]);
    expect(tokenizer(texts, { padding: true, padding_side: 'right' }).attention_mask.tolist()[1]).toEqual([1, 1, 1, 0, 0, 0]);
  });

  it('where to cut, and after how many tokens, does so', async () => {
    const tokenizer = await load();
    const all = tokenizer.encode('a b c d', { add_special_tokens: false });
    tokenizer.truncation_side = 'left';
    tokenizer.model_max_length = 4;
    expect(tokenizer.encode('a b c d', { truncation: true }).slice(1, -1)).toEqual(all.slice(-2));
    tokenizer.model_max_length = Number.POSITIVE_INFINITY;
    expect(tokenizer.model_max_length).toBeUndefined();
  });

  it('another token for a role has its id, and the other way round', async () => {
    const tokenizer = await load();
    tokenizer.pad_token = tokenizer.sep_token;
    expect(tokenizer.pad_token_id).toBe(tokenizer.sep_token_id);
    expect(tokenizer(texts, { padding: true }).input_ids.tolist()[1]?.slice(3)).toEqual(Array(3).fill(tokenizer.sep_token_id));
    tokenizer.pad_token_id = tokenizer.mask_token_id;
    expect(tokenizer.pad_token).toBe(tokenizer.mask_token);
    tokenizer.mask_token = undefined;
    expect(tokenizer.mask_token_id).toBeUndefined();
  });

  it.each([
    ['padding_side', 'up'],
    ['truncation_side', undefined],
    ['model_max_length', 0],
    ['model_max_length', '7'],
    ['clean_up_tokenization_spaces', 1],
    ['chat_template', 7],
    ['pad_token', 'no token of the vocabulary'],
    ['pad_token', 3],
    ['pad_token_id', 1 << 20],
  ])('what cannot be says so: %s = %j', async (name, value) => {
    const tokenizer = await load();
    const before = Reflect.get(tokenizer, name);
    expect(await failureOf(() => Object.assign(tokenizer, { [name]: value }))).toMatchObject({ code: 'ARGUMENT', culprit: name });
    expect(Reflect.get(tokenizer, name)).toBe(before);
  });
});

it('its vocabulary is every token with its id', async () => {
  const tokenizer = await load();
  const vocabulary = tokenizer.get_vocab();
  expect(vocabulary).toBeInstanceOf(Map);
  expect(vocabulary.size).toBe(97);
  for (const [token, id] of vocabulary) expect([tokenizer.token_to_id(token), tokenizer.id_to_token(id)]).toEqual([id, token]);
  expect(tokenizer.convert_tokens_to_ids(['[CLS]', 'nobody'])).toEqual([2, undefined]);
  expect(tokenizer.convert_tokens_to_ids('[CLS]')).toBe(2);
  expect(tokenizer.all_special_ids.map((id) => tokenizer.id_to_token(id))).toEqual(tokenizer.all_special_tokens);
  expect(tokenizer.all_special_tokens).toContain('[SEP]');
});

describe('save_pretrained', () => {
  it('copies files as they are where nothing was set', async () => {
    const folder = join(temporary, 'same');
    await (await load()).save_pretrained(folder);
    expect(readdirSync(folder).sort()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file))).toEqual(readFileSync(join(tinyPath, file)));
  });

  it('writes what was set, and what stood there is spelt as it was', async () => {
    const folder = join(temporary, 'set');
    const tokenizer = await load();
    const said = { padding_side: 'left', truncation_side: 'left', model_max_length: 77, pad_token: '[MASK]', chat_template: 'a {{ b }}' };
    Object.assign(tokenizer, said);
    await tokenizer.save_pretrained(folder);
    const again = await AutoTokenizer.from_pretrained(folder);
    expect(Object.keys(said).map((name) => [name, Reflect.get(again, name)])).toEqual(Object.entries(said));
    expect(again(texts, { padding: true }).input_ids).toEqual(tokenizer(texts, { padding: true }).input_ids);
    expect(again.encode('[PAD]')).toEqual(tokenizer.encode('[PAD]'));
    again.chat_template = { default: 'a', tool: 'b' };
    again.model_max_length = undefined;
    await again.save_pretrained(join(temporary, 'several'));
    const third = await AutoTokenizer.from_pretrained(join(temporary, 'several'));
    expect(third.chat_template).toEqual({ default: 'a', tool: 'b' });
    expect(third.model_max_length).toBeUndefined();
  });

  it('copies the files of all chat templates, and leaves them out where others were set', async () => {
    const from = join(temporary, 'templates');
    await (await load()).save_pretrained(from);
    mkdirSync(join(from, 'additional_chat_templates'));
    writeFileSync(join(from, 'chat_template.jinja'), 'one');
    writeFileSync(join(from, 'additional_chat_templates/tool_use.jinja'), 'two');
    const tokenizer = await AutoTokenizer.from_pretrained(from);
    const again = async (name: string) => {
      await tokenizer.save_pretrained(join(temporary, name));
      return (await AutoTokenizer.from_pretrained(join(temporary, name))).chat_template;
    };
    expect(await again('copied')).toEqual({ default: 'one', tool_use: 'two' });
    tokenizer.chat_template = 'three';
    expect(await again('replaced')).toBe('three');
  });

  it('refuses what is no folder', async () => {
    const tokenizer = await load();
    expect(await failureOf(() => tokenizer.save_pretrained(7 as unknown as string))).toMatchObject({ code: 'ARGUMENT', culprit: 'folder' });
    expect(await failureOf(() => tokenizer.save_pretrained(join(tinyPath, 'config.json', 'x')))).toMatchObject({ code: 'STORAGE' });
    const made = Tokenizer.from({ tokenizer: JSON.parse(readFileSync(join(tinyPath, 'tokenizer.json'), 'utf8')) });
    expect(await failureOf(() => made.save_pretrained(temporary))).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('makes of every kind of folder one that gives the same ids without the config.json beside it', async () => {
    const read = (path: string) => JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/${path}`, import.meta.url))).toString());
    const charsmap = JSON.stringify(read('tokenizers/charsmap.json.gz')).slice(1, -1);
    const grid = read('tokenizer_files/grid.json.gz');
    const different: string[] = [];
    const rows = (tokenizer: CallableTokenizer) => JSON.stringify(grid.texts.map((text: string) => tokenizer.encode(text)));
    // Every fourth, and those whose class config.json alone says.
    const some = grid.folders.filter(({ name }: { name: string }, i: number) => i % 4 === 0 || name.includes('model_type'));
    for (const { name, files } of some) {
      const all: Record<string, Uint8Array | string> = {};
      for (const [file, at] of Object.entries<number>(files)) {
        const value = grid.values[at];
        all[`m/${file}`] = typeof value === 'string' ? value : JSON.stringify(value).replaceAll('@charsmap', charsmap);
      }
      const { runtime } = memoryRuntime(all);
      const writeFile: Runtime['writeFile'] = async (file, [bytes]) => {
        all[file] = bytes as Uint8Array;
        return 0;
      };
      const open = (folder: string) => Tokenizer.load(folderAt(runtime, folder), {}, { ...runtime, writeFile } as Runtime);
      const tokenizer = await open('m');
      tokenizer.truncation_side = 'left';
      await tokenizer.save_pretrained('saved');
      const again = await open('saved');
      if (rows(again) !== rows(tokenizer) || again.truncation_side !== 'left') different.push(name);
    }
    expect(different).toEqual([]);
  });
});
