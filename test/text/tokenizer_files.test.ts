/** Folders of every class, with every kind of file beside tokenizer.json: what transformers makes of them, test/fixtures/tokenizer_files. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import { moreTokenizers } from '../../dist/text/classes/more.js';
import { registerTokenizers } from '../../dist/text/classes/names.js';
import { type CallableTokenizer, type Encoding, Tokenizer } from '../../dist/text/tokenizer.js';
import { failureOf, memoryRuntime } from '../io/memory.js';
import { someOf } from '../thorough.js';

/** Only sentence encoders' classes are known by themselves. */
const own = await failureOf(() => Tokenizer.from({ tokenizer: {}, config: { tokenizer_class: 'T5Tokenizer' } }));
registerTokenizers(moreTokenizers);

interface Row {
  ids: number[];
  /** Begins and ends in turn. */
  offsets: number[];
  /** 0 for a text alone. */
  types: number[] | 0;
  decoded: string;
  skipped: string;
}

interface Folder {
  name: string;
  files: Record<string, number>;
  class: string;
  roles: Record<string, [string, number] | null>;
  length: number | null;
  sides: [string, string];
  rows: number[];
  batch: [number[][], number[][]] | null;
}

const read = (path: string) => JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/${path}`, import.meta.url))).toString());
const charsmap = JSON.stringify(read('tokenizers/charsmap.json.gz')).slice(1, -1);
const { texts, pairs, values, folders } = read('tokenizer_files/grid.json.gz') as {
  texts: string[];
  pairs: [string, string][];
  values: unknown[];
  folders: Folder[];
};

const load = (files: Record<string, string>) =>
  Tokenizer.load(
    folderAt(memoryRuntime(Object.fromEntries(Object.entries(files).map(([name, text]) => [`m/${name}`, text]))).runtime, 'm'),
  );

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value).replaceAll('@charsmap', charsmap));
const open = (files: Record<string, number>) =>
  load(Object.fromEntries(Object.entries(files).map(([name, at]) => [name, textOf(values[at])])));

const rowOf = (tokenizer: CallableTokenizer, text: string, pair?: string): Row => {
  const [encoding] = tokenizer.encodings(text, { text_pair: pair }) as [Encoding];
  const { ids, offsets, typeIds } = encoding;
  const types = pair === undefined ? 0 : typeIds;
  return {
    ids,
    offsets: offsets.flat(),
    types,
    decoded: tokenizer.decode(ids),
    skipped: tokenizer.decode(ids, { skip_special_tokens: true }),
  };
};

/** What of a folder is not as transformers has it. */
async function differences(folder: Folder): Promise<string[]> {
  const tokenizer = await open(folder.files);
  const found: string[] = [];
  const check = (what: string, own: unknown, theirs: unknown) => {
    if (JSON.stringify(own) !== JSON.stringify(theirs))
      found.push(`${folder.name}: ${what} ${JSON.stringify(own)} ${JSON.stringify(theirs)}`);
  };
  for (const role of ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const) {
    const token = tokenizer[`${role}_token`];
    check(role, token === undefined ? null : [token, tokenizer[`${role}_token_id`]], folder.roles[role]);
  }
  check('length', tokenizer.model_max_length ?? null, folder.length);
  check('sides', [tokenizer.padding_side, tokenizer.truncation_side], folder.sides);
  const all = [...texts.map((text) => [text] as const), ...pairs];
  for (const [i, [text, pair]] of all.entries()) check(text, rowOf(tokenizer, text, pair), values[folder.rows[i] as number]);
  if (folder.batch) {
    const { input_ids, attention_mask } = tokenizer(texts.slice(0, 4), { padding: true, truncation: true, max_length: 6 });
    check('batch', [input_ids.tolist(), attention_mask.tolist()], folder.batch);
  }
  return found;
}

describe('files beside tokenizer.json', () => {
  it.each(someOf([...new Set(folders.map(({ name }) => name.split(':')[0] as string))]))('%s', async (name) => {
    const own = folders.filter((folder) => folder.name.split(':')[0] === name);
    const found = (await Promise.all(own.map(differences))).flat();
    expect(found).toEqual([]);
  });

  it('are refused by name where they are SentencePiece’s alone', async () => {
    const config = { 'tokenizer_config.json': '{"tokenizer_class":"T5Tokenizer"}' };
    const message = expect.stringMatching(/m\/spiece\.model is SentencePiece's.*save_pretrained/s);
    expect(await failureOf(() => load({ ...config, 'spiece.model': 'x' }))).toMatchObject({ code: 'UNSUPPORTED', message });
    expect(await failureOf(() => load(config))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('keep the chat template as it is: of its own file, or of tokenizer_config.json', async () => {
    const { files } = folders.find(({ name }) => name === 'Qwen2Tokenizer: class alone') as Folder;
    const tokenizer = textOf(values[files['tokenizer.json'] as number]);
    const template = async (config: object, more: Record<string, string> = {}) =>
      (await load({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': JSON.stringify(config), ...more })).chat_template;
    expect(await template({})).toBeUndefined();
    expect(await template({ chat_template: 'a' })).toBe('a');
    expect(await template({ chat_template: 'a' }, { 'chat_template.jinja': 'b' })).toBe('b');
    expect(
      await template({
        chat_template: [
          { name: 'default', template: 'a' },
          { name: 'tool_use', template: 'b' },
        ],
      }),
    ).toEqual({ default: 'a', tool_use: 'b' });
  });

  it('name a class that heed/core has to be given', () => {
    expect(own).toMatchObject({ code: 'UNSUPPORTED', culprit: 'tokenizer_class', message: expect.stringContaining('registerTokenizers') });
  });
});
