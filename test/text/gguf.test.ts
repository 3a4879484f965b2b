/** Tokenizers out of GGUF metadata: SentencePiece's pieces as SentencePiece has them, SmolLM2's as transformers has them, and what is no tokenizer. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type GgufMetadata, openGguf } from '../../dist/io/gguf.js';
import { GgufTexts } from '../../dist/io/gguf_texts.js';
import { tokenizerInGguf } from '../../dist/text/gguf.js';
import { failureOf } from '../io/memory.js';
import { hasSmollm2Expected, smollm2, smollm2Expected } from '../smollm2.js';
import { texts, tokenizerOf, writtenOf } from './gguf_made.js';
import { fixture, texts as hard, kind } from './hugging_face.js';

const pieces = JSON.parse(readFileSync(new URL('../fixtures/gguf/pieces.json', import.meta.url), 'utf8'));

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
    }).filter(([, value]) => value !== undefined),
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

  it.each([
    ['a merge of one', ['ab'], /not of two tokens/],
    ['a merge of three', ['a b c'], /not of two tokens/],
    ['a merge of what is no piece', ['a c'], /not in its vocabulary/],
    ['a merge to what is no piece', ['b a'], /not in its vocabulary/],
  ])('is refused with %s, wherever it is read', async (_, merges, message) => {
    const metadata = new Map<string, unknown>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.tokens', texts(['a', 'b', 'ab'])],
      ['tokenizer.ggml.merges', texts(merges)],
    ]) as GgufMetadata;
    for (const read of [tokenizerOf, writtenOf])
      expect(await failureOf(() => read(metadata))).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(message) });
  });

  it('takes the first of two pieces that are alike, and merges of pieces of any length', async () => {
    const long = 'x'.repeat(300);
    const metadata = new Map<string, unknown>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.tokens', texts(['x', 'y', 'x', 'yy', long, `${long}y`])],
      ['tokenizer.ggml.merges', texts(['y y', `${long} y`])],
    ]) as GgufMetadata;
    const own = await tokenizerOf(metadata);
    expect(own.encode('xyyyx')).toEqual([0, 3, 1, 0]);
    expect(own.token_to_id(`${long}y`)).toBe(5);
    expect([own.id_to_token(3), own.id_to_token(1.5), own.id_to_token(6), own.id_to_token(-1)]).toEqual([
      'yy',
      undefined,
      undefined,
      undefined,
    ]);
    expect(own.get_vocab()).toEqual((await writtenOf(metadata)).get_vocab());
  });

  it.each([
    ['that ends within a character', [[0x61, 0xc3]]],
    ['that begins within one', [[0x61], [0xa9, 0x61]]],
    ['that is long and ends within one', [[...Array(200).fill(0x61), 0xc3]]],
  ])('is refused with a piece %s', async (_, pieces) => {
    const bytes = (list: number[][]) =>
      Uint8Array.from(list.flatMap((one) => [...new Uint8Array(new BigUint64Array([BigInt(one.length)]).buffer), ...one]));
    const listed = (list: number[][]) => new GgufTexts('test.gguf', 'key', list.length, bytes(list));
    const metadata = new Map<string, unknown>([
      ['tokenizer.ggml.model', 'gpt2'],
      ['tokenizer.ggml.tokens', listed(pieces)],
      ['tokenizer.ggml.merges', texts([])],
    ]) as GgufMetadata;
    expect(await failureOf(() => tokenizerOf(metadata))).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(/not UTF-8/) });
    const whole = new GgufTexts('test.gguf', 'key', 1, bytes([[...Array(199).fill(0x61), 0xc3, 0xa9]]));
    expect(whole.list()).toEqual([`${'a'.repeat(199)}é`]);
  });

  it('has a template, or several by their names', async () => {
    const named = {
      'tokenizer.chat_templates': texts(['tool_use', 'rag']),
      'tokenizer.chat_template.tool_use': 'T',
      'tokenizer.chat_template.rag': 'R',
    };
    expect((await tokenizerOf(llama({ ...named, 'tokenizer.chat_template': 'D' }))).chat_template).toEqual({
      default: 'D',
      tool_use: 'T',
      rag: 'R',
    });
    expect((await tokenizerOf(llama({ ...named, 'tokenizer.chat_template.rag': undefined }))).chat_template).toEqual({ tool_use: 'T' });
  });

  it.skipIf(!hasSmollm2Expected)('of SmolLM2 has the ids that transformers has', async () => {
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
    const { strings, prompts, template } = JSON.parse(readFileSync(smollm2Expected, 'utf8'));
    for (const { text, ids } of strings) expect(tokenizer.encode(text)).toEqual(ids);
    for (const { text, ids, greedy, decoded } of prompts) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(greedy)).toBe(decoded);
    }
    expect(tokenizer.chat_template).toBe(template);
  });
});

/** What llama.cpp's converter makes of a tokenizer.json's pieces: as they are, or BERT's with a mark where words begin. Scores that were rounded to float32 would tie where these do not. */
function converted(file: {
  model: { type: string; vocab: unknown; merges?: unknown[] };
  added_tokens: { id: number; content: string; special: boolean }[];
}) {
  const { vocab, merges } = file.model;
  const entries: [string, number, number?][] = Array.isArray(vocab)
    ? vocab.map(([token, score], id) => [token, id, score])
    : Object.entries(vocab as Record<string, number>);
  const tokens: string[] = [];
  const scores: number[] = [];
  for (const [token, id, score = 0] of [...entries, ...file.added_tokens.map(({ content, id }) => [content, id] as [string, number])]) {
    tokens[id] ??= token;
    scores[id] ??= score;
  }
  const kinds = Int32Array.from(tokens, () => 1);
  for (const { id, special } of file.added_tokens) kinds[id] = special ? 3 : 4;
  const named = (token: string) => (tokens.includes(token) ? tokens.indexOf(token) : undefined);
  const word = (token: string, id: number) => (kinds[id] !== 1 ? token : token.startsWith('##') ? token.slice(2) : `▁${token}`);
  return {
    'tokenizer.ggml.tokens': texts(file.model.type === 'WordPiece' ? tokens.map(word) : tokens),
    'tokenizer.ggml.token_type': kinds,
    ...(Array.isArray(vocab) && { 'tokenizer.ggml.scores': Float64Array.from(scores) }),
    ...(merges && { 'tokenizer.ggml.merges': texts(merges.map((merge) => (Array.isArray(merge) ? merge.join(' ') : (merge as string)))) }),
    'tokenizer.ggml.unknown_token_id': named('<unk>') ?? named('[UNK]'),
    named,
  };
}

describe('a tokenizer of Hugging Face’s, as llama.cpp’s converter writes it', () => {
  const charsmap = Uint8Array.from(atob(fixture('charsmap')), (character) => character.charCodeAt(0));
  const t5 = { 'tokenizer.ggml.precompiled_charsmap': charsmap, 'tokenizer.ggml.remove_extra_whitespaces': true };
  it.each<
    [string, string, string | undefined, Record<string, unknown>, (named: (token: string) => number | undefined) => Record<string, unknown>]
  >([
    ['gpt2', 'gpt2', 'gpt-2', {}, (named) => ({ eos: named('<|endoftext|>') })],
    [
      'roberta',
      'gpt2',
      'roberta-bpe',
      { add_bos_token: true, add_eos_token: true },
      (named) => ({ bos: named('<s>'), eos: named('</s>'), seperator: named('</s>'), mask: named('<mask>') }),
    ],
    ['llama3', 'gpt2', 'llama-bpe', {}, (named) => ({ bos: named('<|begin_of_text|>') })],
    ['bert', 'bert', undefined, {}, (named) => ({ bos: named('[CLS]'), seperator: named('[SEP]') })],
    ['bert-cased', 'bert', undefined, { 'normalizer.lowercase': false }, (named) => ({ cls: named('[CLS]'), seperator: named('[SEP]') })],
    ['t5', 't5', undefined, {}, (named) => ({ eos: named('</s>'), padding: named('<pad>') })],
    [
      'xlmr',
      't5',
      undefined,
      { add_bos_token: true, add_sep_token: true },
      (named) => ({ bos: named('<s>'), eos: named('</s>'), seperator: named('</s>'), mask: named('<mask>') }),
    ],
  ])('has the ids of 2,000 hard strings: %s', async (name, model, pre, more, roles) => {
    const { file, rowOf, tokenizer: theirs } = kind(name);
    const { named, ...pieces } = converted(file);
    const prefixed = (entries: Record<string, unknown>, ending = '') =>
      Object.fromEntries(Object.entries(entries).map(([key, value]) => [`tokenizer.ggml.${key}${ending}`, value]));
    const metadata = {
      'tokenizer.ggml.model': model,
      'tokenizer.ggml.pre': pre,
      ...pieces,
      ...(model === 't5' && t5),
      ...prefixed(more),
      ...prefixed(roles(named), '_token_id'),
    };
    const given = new Map(Object.entries(metadata).filter(([, value]) => value !== undefined)) as GgufMetadata;
    const [own, written] = [await tokenizerOf(given), await writtenOf(given)];
    expect(own.get_vocab()).toEqual(written.get_vocab());
    for (const [token, id] of own.get_vocab()) expect([own.token_to_id(token), own.id_to_token(id)]).toEqual([id, written.id_to_token(id)]);
    // What is added with spaces around it, or only as whole words, a file does not tell of; nor that XLM-R's is cut at U+0085.
    const untold = /<x>|soloTok|wörd|\[MASK\]|\x85/i;
    let compared = 0;
    for (const [i, text] of hard.entries()) {
      if (untold.test(text)) continue;
      compared++;
      expect(own.encode(text, { add_special_tokens: false }), JSON.stringify(text)).toEqual(rowOf(i)[0]);
      if (compared % 8 === 0) expect(written.encode(text, { add_special_tokens: false })).toEqual(rowOf(i)[0]);
    }
    expect(compared).toBeGreaterThan(1500);
    for (const [a, b] of [
      ['a cat', undefined],
      ['a cat', 'sat'],
    ] as const)
      expect(own.encode(a, b === undefined ? {} : { text_pair: b })).toEqual(theirs.encode(a, b === undefined ? {} : { text_pair: b }));
  });
});
