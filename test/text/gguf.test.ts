/** Tokenizers out of GGUF metadata: SentencePiece's pieces as SentencePiece has them, SmolLM2's as transformers has them, and what is no tokenizer. */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type GgufMetadata, openGguf } from '../../dist/io/gguf.js';
import { GgufTexts } from '../../dist/io/gguf_texts.js';
import { givenFolder } from '../../dist/io/given.js';
import { JsonNode } from '../../dist/io/json.js';
import { byteAlphabet } from '../../dist/text/byte_level.js';
import { tokenizerConfigInGguf, tokenizerInGguf } from '../../dist/text/gguf.js';
import { splitterOf, splitters } from '../../dist/text/gguf_splitters.js';
import { preTokenizerOf } from '../../dist/text/pre_tokenizer.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { string } from '../io/gguf_file.js';
import { failureOf } from '../io/memory.js';
import { hasSmollm2Expected, smollm2, smollm2Expected } from '../smollm2.js';
import { fixture, texts as hard, kind } from './hugging_face.js';

const pieces = JSON.parse(readFileSync(new URL('../fixtures/gguf/pieces.json', import.meta.url), 'utf8'));

function tokenizerOf(metadata: GgufMetadata): Promise<Tokenizer> {
  const files = {
    'tokenizer.json': tokenizerInGguf('test.gguf', metadata),
    'tokenizer_config.json': tokenizerConfigInGguf('test.gguf', metadata),
  };
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
    const own = await tokenizerOf(new Map(Object.entries(metadata).filter(([, value]) => value !== undefined)) as GgufMetadata);
    // What is added with spaces around it, or only as whole words, a file does not tell of; nor that XLM-R's is cut at U+0085.
    const untold = /<x>|soloTok|wörd|\[MASK\]|\x85/i;
    let compared = 0;
    for (const [i, text] of hard.entries()) {
      if (untold.test(text)) continue;
      compared++;
      expect(own.encode(text, { add_special_tokens: false }), JSON.stringify(text)).toEqual(rowOf(i)[0]);
    }
    expect(compared).toBeGreaterThan(1500);
    for (const [a, b] of [
      ['a cat', undefined],
      ['a cat', 'sat'],
    ] as const)
      expect(own.encode(a, b === undefined ? {} : { text_pair: b })).toEqual(theirs.encode(a, b === undefined ? {} : { text_pair: b }));
  });
});

describe('a way to cut texts', () => {
  const { text, cuts } = JSON.parse(readFileSync(new URL('../fixtures/gguf/cuts.json', import.meta.url), 'utf8')) as {
    text: string;
    cuts: Record<string, string[]>;
  };

  it.each(splitters.map(({ names }) => names.split(' ')))('named %s cuts as Oniguruma does, and loses nothing', async (...names) => {
    for (const name of names) {
      const splitter = splitterOf(name) as (typeof splitters)[number];
      const by = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated' });
      const pretokenizers = splitter.cuts.length ? splitter.cuts.map(by) : [{ type: 'WhitespaceSplit' }];
      const words = preTokenizerOf(JsonNode.of('x', { pre_tokenizer: { type: 'Sequence', pretokenizers } }))(text, true);
      expect(words).toEqual(cuts[names[0] as string]);
    }
    // Every byte a piece, and two that are merged.
    const alphabet = [...byteAlphabet, 'ab'];
    const characters = [
      ...Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
      '▁',
      'a',
      'b',
      'ab',
    ];
    const own = await tokenizerOf(
      new Map<string, unknown>([
        ['tokenizer.ggml.model', 'gpt2'],
        ['tokenizer.ggml.pre', names[0]],
        ['tokenizer.ggml.tokens', texts(splitterOf(names[0] as string)?.characters ? characters : alphabet)],
        ['tokenizer.ggml.merges', texts(['a b'])],
      ]) as GgufMetadata,
    );
    const back = own.decode(own.encode(text));
    expect(back).toBe(names[0] === 'whitespace' ? text.replaceAll(/\s/gu, '') : text);
    expect(own.encode('ab')).toEqual([splitterOf(names[0] as string)?.characters ? 259 : 256]);
  });

  it('has each name once', () => {
    const all = splitters.flatMap(({ names }) => names.split(' '));
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(75);
  });
});
