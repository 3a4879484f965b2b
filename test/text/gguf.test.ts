/** Tokenizers out of GGUF metadata: SentencePiece's pieces as SentencePiece has them, SmolLM2's as transformers has them, and what is no tokenizer. */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type GgufMetadata, GgufTexts, openGguf } from '../../dist/io/gguf.js';
import { givenFolder } from '../../dist/io/given.js';
import { tokenizerInGguf } from '../../dist/text/gguf.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { string } from '../io/gguf_file.js';
import { failureOf } from '../io/memory.js';
import { shared } from '../shared.js';

const pieces = JSON.parse(readFileSync(new URL('../fixtures/gguf/pieces.json', import.meta.url), 'utf8'));
const smollm2 = join(process.env.HEED_MODELS ?? join(homedir(), '.cache/heed-models'), 'smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');

function tokenizerOf(metadata: GgufMetadata): Promise<Tokenizer> {
  const files = tokenizerInGguf('test.gguf', metadata);
  if (!files) throw new Error('no tokenizer');
  const encoded = Object.entries(files).map(([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))]);
  return Tokenizer.load(givenFolder({} as never, Object.fromEntries(encoded)));
}

/** A list of texts, as a file has it. */
const texts = (list: readonly string[]) =>
  new GgufTexts('test.gguf', 'key', list.length, new Uint8Array(Buffer.concat(list.map((one) => Uint8Array.from(string(one))))));

const llama = (more: Record<string, unknown> = {}) =>
  new Map(
    Object.entries({
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': texts(pieces.tokens),
      'tokenizer.ggml.token_type': Int32Array.from(pieces.kinds),
      'tokenizer.ggml.scores': Float32Array.from(pieces.scores),
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.eos_token_id': 2,
      'tokenizer.ggml.unknown_token_id': 0,
      ...more,
    }),
  ) as GgufMetadata;

describe('the tokenizer of a GGUF file', () => {
  it('is SentencePiece’s, pieces, bytes and the space before a text', async () => {
    const tokenizer = await tokenizerOf(llama({ 'tokenizer.ggml.add_bos_token': false }));
    for (const { text, ids } of pieces.texts) expect(tokenizer.encode(text), text).toEqual(ids);
    for (const { text, ids } of pieces.texts) expect(tokenizer.decode(ids, { clean_up_tokenization_spaces: false })).toBe(text);
  });

  it('puts around texts what the file asks for', async () => {
    const ids = pieces.texts[0].ids;
    expect((await tokenizerOf(llama())).encode('the cat sat')).toEqual([1, ...ids]);
    const both = await tokenizerOf(llama({ 'tokenizer.ggml.add_eos_token': true, 'tokenizer.chat_template': '{{ messages }}' }));
    expect(both.encode('the cat sat')).toEqual([1, ...ids, 2]);
    expect(both.chat_template).toBe('{{ messages }}');
    expect([both.bos_token, both.eos_token, both.unk_token]).toEqual(['<s>', '</s>', '<unk>']);
  });

  it('may be missing', () => {
    expect(tokenizerInGguf('test.gguf', new Map())).toBeUndefined();
  });

  it.each([
    ['a list of another length', { 'tokenizer.ggml.token_type': Int32Array.of(1) }, 'FORMAT', /what they are/],
    ['pieces that are numbers', { 'tokenizer.ggml.tokens': Int32Array.of(1) }, 'FORMAT', /not a list of texts/],
    ['a token that is not there', { 'tokenizer.ggml.bos_token_id': 1_000_000 }, 'FORMAT', /not a token from 0/],
    ['no scores', { 'tokenizer.ggml.scores': undefined }, 'FORMAT', /no scores/],
    ['a kind that heed does not have', { 'tokenizer.ggml.model': 'rwkv' }, 'UNSUPPORTED', /"rwkv"/],
    ['a way to split that heed does not have', { 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'odd' }, 'UNSUPPORTED', /"odd"/],
    ['no merges', { 'tokenizer.ggml.model': 'gpt2' }, 'FORMAT', /no merges/],
  ])('is refused with %s', async (_, more, code, message) => {
    const metadata = new Map([...llama(more)].filter(([, value]) => value !== undefined));
    const failed = await failureOf(() => tokenizerInGguf('test.gguf', metadata));
    expect(failed).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  (existsSync(smollm2) ? it : it.skip)('of SmolLM2 has the ids that transformers has', async () => {
    const handle = await open(smollm2);
    const stream = {
      name: smollm2,
      size: (await handle.stat()).size,
      read: async (to: Uint8Array) => (await handle.read(to)).bytesRead,
      close: () => handle.close(),
    };
    const file = await openGguf(stream);
    const tokenizer = await tokenizerOf(file.metadata);
    await file.close();
    const { strings, prompts, template } = JSON.parse(readFileSync(shared('data/smollm2/expected.json'), 'utf8'));
    for (const { text, ids } of strings) expect(tokenizer.encode(text)).toEqual(ids);
    for (const { text, ids, greedy, decoded } of prompts) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(greedy)).toBe(decoded);
    }
    expect(tokenizer.chat_template).toBe(template);
  });
});
