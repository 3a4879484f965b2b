/** The tiny Marian, or T5, of test/fixtures/hf, with a tokenizer of characters: a folder that writes texts, if senseless ones. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));

const special = ['<pad>', '<unk>', '</s>', '<2zh>', '<2en>'];
const letters = [...' ▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.!?,:你好我们是的他。！'];

/** Characters as tokens; `</s>` behind each text. */
const tokenizerJson = {
  added_tokens: special.map((content, id) => ({
    id,
    content,
    special: true,
    normalized: false,
    lstrip: false,
    rstrip: false,
    single_word: false,
  })),
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: ['A', 'B', '</s>'].map((id) => (id.length === 1 ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } })),
    special_tokens: { '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] } },
  },
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries([...special, ...letters].map((token, id) => [token, id])),
    merges: [],
    unk_token: '<unk>',
  },
};

/** The folder, which is the caller's to remove. `more` is what else its config.json says. */
export async function tinyTranslator(more: object = {}, tokenizerConfig: object = {}, name = 'marian'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'heed-text2text-'));
  await cp(fixture(name), folder, { recursive: true });
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...more }));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: '<pad>', eos_token: '</s>', ...tokenizerConfig }));
  return folder;
}
