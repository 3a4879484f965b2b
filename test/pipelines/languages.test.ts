/** Translators between many languages, and PEGASUS: what transformers reads and writes with the same tokenizers and tiny models. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createEngine, pipeline } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';

interface Case {
  src_lang: string;
  tgt_lang: string;
  text: string;
  input_ids: number[];
  sequence: number[];
  written: string;
}

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const expected = JSON.parse(await readFile(at('translators/expected.json'), 'utf8')) as Record<string, Case[]>;
const engine = await createEngine({ threads: 1, deterministic: true });
const made: string[] = [];
afterAll(async () => {
  await engine.dispose();
  for (const folder of made) await rm(folder, { recursive: true });
});

type Json = Record<string, unknown>;

/** A model with a tokenizer of the fixtures; files say more than theirs. */
async function folderOf(tokenizer: string, model: string, more: Readonly<Record<string, Json>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heed-languages-'));
  made.push(folder);
  for (const from of [`hf/${model}`, `translators/${tokenizer}`]) await cp(at(from), folder, { recursive: true });
  for (const [file, own] of Object.entries(more)) {
    const path = join(folder, file);
    await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...own }));
  }
  return folder;
}
const translator = async (...given: Parameters<typeof folderOf>) => pipeline('translation', await folderOf(...given), { engine });

const options = { max_new_tokens: 9, num_beams: 2 };

describe.each([
  ['nllb', 'm2m_100'],
  ['m2m100', 'm2m_100'],
  ['mbart50', 'mbart'],
])('%s', async (name, model) => {
  const translate = await translator(name, model);
  const cases = expected[name] as Case[];

  it('reads sources in their language, and writes in the one that is asked for', async () => {
    expect(cases).toHaveLength(6);
    for (const { text, src_lang, tgt_lang, input_ids, sequence, written } of cases) {
      expect(translate.encode(text, { src_lang, tgt_lang })).toEqual(input_ids);
      expect(await translate(text, { ...options, src_lang, tgt_lang })).toEqual([{ translation_text: written }]);
      const forced_bos_token_id = sequence[1];
      const ids = await translate.model.generate({ input_ids: [input_ids], ...options, forced_bos_token_id });
      expect(ids.tolist()).toEqual([sequence]);
    }
  });

  it('translates many texts at once as one by one', async () => {
    const { src_lang, tgt_lang } = cases[3] as Case;
    const some = cases.slice(3);
    const all = await translate(
      some.map(({ text }) => text),
      { ...options, src_lang, tgt_lang },
    );
    expect(all).toEqual(some.map(({ written }) => ({ translation_text: written })));
  });

  it('has the language of its files for a source that is not told of another', async () => {
    const [{ text, tgt_lang, written, input_ids }] = cases as [Case];
    expect(translate.encode(text, { tgt_lang })).toEqual(input_ids);
    expect(await translate(text, { ...options, tgt_lang })).toEqual([{ translation_text: written }]);
  });

  it('must be told of the target, and names the languages that it knows', async () => {
    const [{ src_lang, tgt_lang }] = cases as [Case];
    const refuses = async (given: object, culprit: string) => {
      const { code, cure, ...error } = await translate('a', { ...options, ...given }).catch((thrown) => thrown);
      expect([code, error.culprit]).toEqual(['ARGUMENT', culprit]);
      expect(cure).toContain(src_lang);
      expect(cure).toContain(tgt_lang);
    };
    await refuses({}, 'tgt_lang');
    await refuses({ src_lang }, 'tgt_lang');
    await refuses({ src_lang, tgt_lang: 'xx' }, 'tgt_lang');
    await refuses({ src_lang: 'xx', tgt_lang }, 'src_lang');
    await refuses({ src_lang, tgt_lang: '<pad>' }, 'tgt_lang');
    await refuses({ src_lang, tgt_lang: `__${tgt_lang}__` }, 'tgt_lang');
  });
});

const mbart50 = (i: number) => (expected.mbart50 as Case[])[i] as Case;

describe('languages', () => {
  it('stand behind a source where the tokenizer puts them there', async () => {
    const translate = await translator('nllb', 'm2m_100', { 'tokenizer_config.json': { legacy_behaviour: true } });
    const [own, other] = ['eng_Latn', 'zho_Hans'].map((code) => translate.tokenizer.token_to_id(code) as number);
    const plain = translate.tokenizer.encode('the sea');
    expect(plain.at(-1)).toBe(own);
    const pair = { src_lang: 'zho_Hans', tgt_lang: 'eng_Latn' };
    expect(translate.encode('the sea', pair)).toEqual([...plain.slice(0, -1), other]);
    // One that a text begins with is the text's own.
    const within = translate.encode('fra_Latn the sea', pair);
    expect([within[0], within.at(-1)]).toEqual([translate.tokenizer.token_to_id('fra_Latn'), other]);
  });

  it('of a model that always writes one need not be named', async () => {
    const forced_bos_token_id = mbart50(3).sequence[1] as number;
    const translate = await translator('mbart50', 'mbart', { 'generation_config.json': { forced_bos_token_id } });
    const { text, src_lang, written } = mbart50(3);
    expect(await translate(text, { ...options, src_lang })).toEqual([{ translation_text: written }]);
  });

  it('are what the decoder starts with, where the model starts with one', async () => {
    const [en, ro] = [0, 3].map((i) => mbart50(i).sequence[1] as number).reverse();
    const translate = await translator('mbart50', 'mbart', { 'generation_config.json': { decoder_start_token_id: ro } });
    const input_ids = [translate.encode('a bee')];
    const written = async (decoder_start_token_id: number | undefined) => {
      const ids = await translate.model.generate({ input_ids, ...options, decoder_start_token_id });
      return [{ translation_text: translate.tokenizer.decode(ids.data as Int32Array, { skip_special_tokens: true }) }];
    };
    expect(await translate('a bee', options)).toEqual(await written(ro));
    expect(await translate('a bee', { ...options, tgt_lang: 'en_XX' })).toEqual(await written(en));
    expect(await written(en)).not.toEqual(await written(ro));
  });

  it('of config.json and of the tokenizer go side by side', async () => {
    const task_specific_params = { translation_en_to_ro: { prefix: 'a ' } };
    const translate = await translator('mbart50', 'mbart', { 'config.json': { task_specific_params } });
    const plain = translate.tokenizer.encode('a bee');
    expect(translate.encode('bee', { tgt_lang: 'ro' })).toEqual(plain);
    expect(translate.encode('a bee', { tgt_lang: 'ro_RO' })).toEqual(plain);
  });

  it('are refused where the tokenizer puts none around a text', async () => {
    const processor = JSON.parse(await readFile(at('translators/m2m100/tokenizer.json'), 'utf8')).post_processor;
    const bare = { ...processor, single: processor.single.slice(1) };
    const translate = await translator('m2m100', 'm2m_100', { 'tokenizer.json': { post_processor: bare } });
    const told = translate('a', { src_lang: 'fr', tgt_lang: 'en' });
    await expect(told).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'src_lang' });
    expect(await translate('__fr__ a', { ...options, tgt_lang: 'en' })).toHaveLength(1);
  });
});

it('PEGASUS writes the summaries that transformers writes', async () => {
  const summarize = await pipeline('summarization', await folderOf('pegasus', 'pegasus'), { engine });
  for (const { text, input_ids, written } of expected.pegasus as Case[]) {
    expect(summarize.encode(text)).toEqual(input_ids);
    expect(await summarize(text, options)).toEqual([{ summary_text: written }]);
  }
});
