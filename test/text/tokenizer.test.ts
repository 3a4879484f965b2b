import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { folderAt } from '../../dist/io/folder.js';
import { JsonNode } from '../../dist/io/json.js';
import { bertNormalizer, bertWords } from '../../dist/text/bert.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { failureOf } from '../io/memory.js';
import { itWith, shared } from '../shared.js';
import { someOf } from '../thorough.js';
import { files, rowsOf, runtime, tiny } from './tiny.js';

describe('MiniLM’s tokenizer', async () => {
  const model = 'models/all-MiniLM-L6-v2';
  const load = () => Tokenizer.load(folderAt(runtime, shared(model)));

  itWith(`${model}/expected.json`)('gives what Hugging Face’s gives for 40 awkward texts', async () => {
    const tokenizer = await load();
    const expected: { text: string; input_ids: number[] }[] = JSON.parse(readFileSync(shared(`${model}/expected.json`), 'utf8'));
    expect(expected).toHaveLength(40);
    for (const { text, input_ids } of expected) expect(tokenizer.encode(text, { truncation: true }), text).toEqual(input_ids);
    const batch = tokenizer(
      expected.map(({ text }) => text),
      { padding: true, truncation: true },
    );
    expect(batch.input_ids.dims).toEqual([40, 512]);
    expect(rowsOf(batch.input_ids)).toEqual(expected.map(({ input_ids }) => [...input_ids, ...new Array(512 - input_ids.length).fill(0)]));
  });

  itWith(`${model}/tokenizer.json`)('takes time in proportion to a text, whatever is in it', async () => {
    const tokenizer = await load();
    const texts = {
      'one word': 'a'.repeat(100_000),
      'long words': `${'a'.repeat(99)} `.repeat(1000),
      'marks in the wrong order': '\u0301\u0316'.repeat(50_000),
      'spacing marks in the wrong order': '\u{1d165}\u302e'.repeat(33_000),
      ideographs: '字'.repeat(100_000),
      'special tokens': '[CLS]'.repeat(20_000),
      'beginnings of special tokens': '[CLS'.repeat(25_000),
      'half pairs': '\ud800'.repeat(100_000),
    };
    // Work that grows with the square of a text's length takes longer than a test may.
    for (const [what, text] of Object.entries(texts))
      expect(tokenizer.encode(text, { truncation: true }).length, what).toBeLessThanOrEqual(512);
  });
});

// Digests over every character, from Python's tokenizers 0.23.3: what is left of it, and which words it makes between x and y.
it.each(
  someOf([
    [true, '901d102a3f88b022'],
    [false, 'ebb8603d78e3db9a'],
  ] as const),
)('treats every character of Unicode as Hugging Face’s BERT does (lowercase: %s)', (lowercase, digest) => {
  const normalize = bertNormalizer(JsonNode.of('tokenizer.json', { lowercase }));
  const hash = createHash('sha256');
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const character = String.fromCodePoint(code);
    hash.update(`${normalize(character)}\0${bertWords(normalize(`x${character}y`)).join('|')}\n`);
  }
  expect(hash.digest('hex').slice(0, 16)).toBe(digest);
});

describe('a tokenizer', () => {
  it('spells words in pieces, between the tokens of its template', () => {
    expect(tiny.tokenize('Ab, 42!', { add_special_tokens: true })).toEqual(['[CLS]', 'a', '##b', ',', '4', '##2', '!', '[SEP]']);
    expect(tiny.tokenize('Ab')).toEqual(['a', '##b']);
    expect(tiny.encode('')).toEqual([2, 3]);
    expect(tiny.encode('', { add_special_tokens: false })).toEqual([]);
  });

  it('is a function, and knows its special tokens and lengths', () => {
    expect(tiny).toBeInstanceOf(Tokenizer);
    expect(tiny('a').input_ids).toEqual({ type: 'int32', dims: [1, 3], data: Int32Array.of(2, 5, 3) });
    expect(tiny(['a', 'a']).input_ids.tolist()).toEqual([
      [2, 5, 3],
      [2, 5, 3],
    ]);
    const { pad_token_id, unk_token_id, cls_token_id, sep_token_id, mask_token_id, model_max_length } = tiny;
    expect([pad_token_id, unk_token_id, cls_token_id, sep_token_id, mask_token_id, model_max_length]).toEqual([0, 1, 2, 3, 4, 64]);
    const { pad_token, mask_token, bos_token } = tiny;
    expect([pad_token, mask_token, bos_token]).toEqual(['[PAD]', '[MASK]', undefined]);
    expect(tiny.bos_token_id).toBeUndefined();
    expect([tiny.token_to_id('##z'), tiny.id_to_token(56), tiny.token_to_id('constructor'), tiny.id_to_token(97)]).toEqual([
      56,
      '##z',
      undefined,
      undefined,
    ]);
  });

  it('ignores the truncation and padding of tokenizer.json', () => {
    expect(files.tokenizer.truncation.max_length).toBe(8);
    expect(tiny.encode('a')).toHaveLength(3);
    expect(tiny.encode('a b c d e f g h i')).toHaveLength(11);
  });

  it('finds special tokens in a text', () => {
    expect(tiny.encode('a[MASK]b [PAD] [ SEP]')).toEqual([2, 5, 4, 6, 0, tiny.encode('[')[1], 23, 35, 46, tiny.encode(']')[1], 3]);
  });

  it('takes an empty second text for a second text', () => {
    expect(tiny.encode('a', { text_pair: '' })).toEqual([2, 5, 3, 3]);
    expect(tiny.encode('a', { text_pair: null })).toEqual([2, 5, 3]);
    expect(rowsOf(tiny('a', { text_pair: 'b' }).token_type_ids)).toEqual([[0, 0, 0, 1, 1]]);
  });

  it('decodes', () => {
    const ids = tiny.encode('Hello, world! 42');
    expect(tiny.decode(ids)).toBe('[CLS] hello, world! 42 [SEP]');
    expect(tiny.decode(Int32Array.from(ids), { skip_special_tokens: true })).toBe('hello, world! 42');
    expect(tiny.decode(ids.map(BigInt), { skip_special_tokens: true })).toBe('hello, world! 42');
    expect(tiny.batch_decode([[5], [97, 6], []])).toEqual(['a', 'b', '']);
  });

  it('decodes tensors, as models give them', async () => {
    const { input_ids } = tiny(['a b', 'b a'], {});
    expect(tiny.batch_decode(input_ids, { skip_special_tokens: true })).toEqual(['a b', 'b a']);
    expect(tiny.decode(tiny('a b').input_ids)).toBe('[CLS] a b [SEP]');
    expect(tiny.decode({ data: [5, 6], dims: [2] })).toBe('a b');
    expect(tiny.batch_decode({ data: BigInt64Array.of(5n, 6n), dims: [2, 1] })).toEqual(['a', 'b']);
    expect(tiny.batch_decode(tiny([]).input_ids)).toEqual([]);
    expect(await failureOf(() => tiny.decode(input_ids))).toMatchObject({
      code: 'SHAPE',
      message: expect.stringContaining('batch_decode'),
    });
    expect(await failureOf(() => tiny.decode(null as never))).toMatchObject({ code: 'ARGUMENT' });
    expect(await failureOf(() => tiny.batch_decode({} as never))).toMatchObject({ code: 'ARGUMENT' });
  });

  it('has words of its own where the file adds some', () => {
    const token = { special: false, normalized: false, single_word: false, lstrip: false, rstrip: false };
    const added_tokens = [
      { ...token, id: 97, content: 'ab' },
      { ...token, id: 98, content: 'abc' },
      { ...token, id: 99, content: 'xy', single_word: true },
      { ...token, id: 100, content: 'QZ', normalized: true },
      { ...token, id: 101, content: '<>', lstrip: true, rstrip: true, special: true },
    ];
    const own = Tokenizer.from({ ...files, tokenizer: { ...files.tokenizer, added_tokens } });
    const tokens = (text: string) => own.tokenize(text).join(' ');
    expect(tokens('abcab a')).toBe('abc ab a');
    expect(tokens('xy wxy xy1 xy')).toBe('xy w ##x ##y x ##y ##1 xy');
    expect(tokens('qZ')).toBe('QZ');
    expect(own.decode([5, 101, 97], { skip_special_tokens: true })).toBe('a ab');
    expect(own.encode('a  <>  b', { add_special_tokens: false })).toEqual([5, 101, 6]);
  });

  it('has the last flags that its files give a word', () => {
    const word = { content: '<X>', special: true, normalized: false, single_word: false, lstrip: false, rstrip: false };
    const ids = (first: object, last: object) => {
      const tokenizer = { ...files.tokenizer, added_tokens: [{ ...word, ...first, id: 97 }] };
      const config = {
        tokenizer_class: 'PreTrainedTokenizerFast',
        unk_token: '[UNK]',
        cls_token: '',
        added_tokens_decoder: { 97: { ...word, ...last } },
      };
      const own = Tokenizer.from({ ...files, tokenizer, config });
      expect(own.cls_token_id).toBe(own.unk_token_id);
      return ['<X>', '<x>'].map((text) => own.encode(text, { add_special_tokens: false }).includes(97));
    };
    expect(ids({}, {})).toEqual([true, false]);
    expect(ids({}, { normalized: true })).toEqual([true, true]);
    expect(ids({ normalized: true }, {})).toEqual([true, false]);
    expect(ids({ special: false, normalized: true }, {})).toEqual([true, false]);
  });

  it('skips special tokens that are written as they are', () => {
    const token = { special: true, normalized: true, single_word: false, lstrip: false, rstrip: false };
    const added_tokens = [
      { ...token, id: 97, content: '<x>' },
      { ...token, id: 98, content: '<Y>' },
      { ...token, id: 99, content: '<Z>', normalized: false },
    ];
    const own = Tokenizer.from({ ...files, tokenizer: { ...files.tokenizer, added_tokens } });
    // Hugging Face's tokenizers decode normalized tokens as they are looked for, and <y> is no special token's name.
    expect(own.decode([97, 98, 99, 5])).toBe('<x> <y> <Z> a');
    expect(own.decode([97, 98, 99, 5], { skip_special_tokens: true })).toBe('<y> a');
  });
});

describe('Metaspace’s decoder', () => {
  // As Hugging Face's tokenizers 0.23.3: what the pre-tokenizer puts before a first word goes, a space of the text stays.
  const tokenizer = (more: object) => ({
    added_tokens: [],
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', ...more },
    decoder: { type: 'Metaspace', replacement: '▁', ...more },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(['<unk>', '▁', 'a', 'b'].map((token, id) => [token, id])),
      merges: [],
      unk_token: '<unk>',
    },
  });

  it.each([
    [{ prepend_scheme: 'never' }, ' a b', ' a b'],
    [{ prepend_scheme: 'never' }, 'a b', 'a b'],
    [{ add_prefix_space: false }, ' a b', ' a b'],
    [{ prepend_scheme: 'always' }, ' a b', 'a b'],
    [{ prepend_scheme: 'always' }, 'a b', 'a b'],
    [{ prepend_scheme: 'first' }, 'a b', 'a b'],
    [{}, 'a b', 'a b'],
  ])('%j gives %j back as %j', (more, text, want) => {
    const mine = Tokenizer.from({ tokenizer: tokenizer(more) });
    expect(mine.decode(mine.encode(text))).toBe(want);
  });
});

describe('the translator’s tokenizer', () => {
  const [data, recipe] = ['data/tatoeba-eng-cmn/test.tsv', 'recipes/translation'];
  itWith(`${recipe}/tokenizer.json`)('gives texts back in both languages, but for white space and compatible characters', async () => {
    const own = await Tokenizer.load(folderAt(runtime, shared(recipe)));
    const lines = readFileSync(shared(data), 'utf8').trimEnd().split('\n');
    const plain = (text: string) => text.normalize('NFKC').replace(/\s+/gu, ' ').trim();
    let whole = 0;
    for (const text of lines.flatMap((line) => line.split('\t').slice(0, 2))) {
      const ids = own.encode(text);
      // A character that training never saw is lost.
      if (ids.includes(1)) continue;
      expect(plain(own.decode(ids))).toBe(plain(text));
      whole++;
    }
    expect(whole / (2 * lines.length)).toBeGreaterThan(0.97);
    // The language's token stands before a text as if nothing did.
    expect(own.encode('<2zh>I love music.')).toEqual([4, ...own.encode('I love music.')]);
  });
});
