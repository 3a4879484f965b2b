/** The tiny Llama of test/fixtures/causal, with a tokenizer of characters and a chat template: a model's files, by their names. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const fixture = (name: string) => readFileSync(fileURLToPath(new URL(`../fixtures/causal/llama/${name}`, import.meta.url)));
const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const special = ['<pad>', '<s>', '</s>'];
/** Characters as tokens: 97, as the model knows. */
const vocabulary = [...special, ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(32 + i))];
const flags = { special: true, normalized: false, lstrip: false, rstrip: false, single_word: false };
const tokenizerJson = {
  added_tokens: special.map((content, id) => ({ id, content, ...flags })),
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Fuse' },
  model: { type: 'BPE', vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])), merges: [], unk_token: '<pad>' },
};
const chat_template =
  "{% for m in messages %}{{ m.role[0] + ':' + m.content + ' ' }}{% endfor %}{% if add_generation_prompt %}a:{% endif %}{{ mood or '' }}";
export const tinyWriter = {
  'config.json': fixture('config.json'),
  'model.safetensors': fixture('model.safetensors'),
  'tokenizer.json': json(tokenizerJson),
  'tokenizer_config.json': json({ pad_token: '<pad>', eos_token: '</s>', chat_template }),
};
