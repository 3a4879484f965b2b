/** tokenizer.json as an enemy would write it, or a bad disk: a HeedError that names the file, or a tokenizer that works. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HeedError } from '../../dist/errors.js';
import { folderAt } from '../../dist/io/folder.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import fc from '../draws.js';
import { failureOf, memoryRuntime } from '../io/memory.js';

const text = readFileSync(new URL('../fixtures/bert-tiny/tokenizer.json', import.meta.url), 'utf8');
const good = JSON.parse(text);
const load = (tokenizer: string, more: Record<string, string> = {}) =>
  Tokenizer.load(folderAt(memoryRuntime({ 'm/tokenizer.json': tokenizer, ...more }).runtime, 'm'));
const withModel = (model: object) => ({ ...good, model: { ...good.model, ...model } });
const nested = (depth: number) => `${'{"type":"Sequence","normalizers":['.repeat(depth)}${']}'.repeat(depth)}`;
const doubles = { type: 'Replace', pattern: { String: 'a' }, content: 'aa' };
/** Sequences in Sequences, each of which makes a text 32 times as long. */
const nestedDoubles = (depth: number): object => ({
  type: 'Sequence',
  normalizers: [...new Array(5).fill(doubles), ...(depth ? [nestedDoubles(depth - 1)] : [])],
});

describe('a tokenizer’s files', () => {
  it.each([
    ['no JSON', '{', 'FORMAT', /m\/tokenizer\.json is not valid JSON/],
    ['a list', '[]', 'FORMAT', /its content must be an object/],
    ['no model', {}, 'FORMAT', /model must be an object/],
    ['a model without a vocabulary', withModel({ vocab: null }), 'FORMAT', /model\.vocab must be an object/],
    ['a vocabulary that is a list', withModel({ vocab: ['a'] }), 'FORMAT', /model\.vocab must be an object/],
    ['no entry for unknown words', withModel({ unk_token: 'nope' }), 'FORMAT', /unk_token "nope"/],
    ['a length that is no number', withModel({ max_input_chars_per_word: '9' }), 'FORMAT', /max_input_chars_per_word must be/],
    ['words without end', withModel({ max_input_chars_per_word: 1e9 }), 'FORMAT', /from 0 to 1000/],
    ['a model that heed has not', withModel({ type: 'Lattice' }), 'UNSUPPORTED', /no tokenizer model "Lattice"; it has WordPiece/],
    ['a model that objects inherit', withModel({ type: 'constructor' }), 'UNSUPPORTED', /no tokenizer model/],
    ['a normalizer that heed has not', { ...good, normalizer: { type: 'Nope' } }, 'UNSUPPORTED', /no normalizer "Nope"/],
    ['a normalizer without a type', { ...good, normalizer: {} }, 'FORMAT', /normalizer\.type must be a string/],
    ['a flag that is a string', { ...good, normalizer: { type: 'BertNormalizer', lowercase: 'yes' } }, 'FORMAT', /normalizer\.lowercase/],
    ['a pattern of no kind', { ...good, normalizer: { type: 'Replace', pattern: {}, content: '' } }, 'FORMAT', /pattern/],
    [
      'a pattern that does not close',
      { ...good, pre_tokenizer: { type: 'Split', pattern: { Regex: '[' }, behavior: 'Isolated' } },
      'FORMAT',
      /tokenizer\.json/,
    ],
    [
      'a split that heed has not',
      { ...good, pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithBoth' } },
      'UNSUPPORTED',
      /MergedWithBoth/,
    ],
    ['a template without its text', { ...good, post_processor: { ...good.post_processor, single: [] } }, 'FORMAT', /must place A/],
    [
      'a template with unknown tokens',
      { ...good, post_processor: { ...good.post_processor, special_tokens: {} } },
      'FORMAT',
      /ids of "\[CLS\]"/,
    ],
    ['a decoder that heed has not', { ...good, decoder: { type: 'Nope' } }, 'UNSUPPORTED', /no decoder "Nope"/],
    ['an added token without an id', { ...good, added_tokens: [{ content: 'x' }] }, 'FORMAT', /added_tokens\[0\]\.id/],
    ['an added token with a huge id', { ...good, added_tokens: [{ content: 'x', id: 2 ** 32 }] }, 'FORMAT', /added_tokens\[0\]\.id/],
    ['an endless added token', { ...good, added_tokens: [{ content: 'x'.repeat(5000), id: 1 }] }, 'FORMAT', /more than 1000/],
    ['merges that are none', { ...good, model: { type: 'BPE', vocab: { a: 0 }, merges: [3] } }, 'FORMAT', /a merge/],
    [
      'merges without a part for the prefix',
      { ...good, model: { type: 'BPE', vocab: { a: 0 }, merges: ['a a'], continuing_subword_prefix: '##' } },
      'FORMAT',
      /merge/,
    ],
    ['dropout', { ...good, model: { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 } }, 'UNSUPPORTED', /dropout/],
    ['pieces of no length', { ...good, pre_tokenizer: { type: 'FixedLength', length: 0 } }, 'FORMAT', /length above 0/],
    [
      'a delimiter of two characters',
      { ...good, pre_tokenizer: { type: 'CharDelimiterSplit', delimiter: 'ab' } },
      'FORMAT',
      /one character/,
    ],
    [
      'templates one behind another',
      { ...good, post_processor: { type: 'Sequence', processors: [good.post_processor, good.post_processor] } },
      'FORMAT',
      /another template/,
    ],
    [
      'post-processors without end',
      { ...good, post_processor: { type: 'Sequence', processors: new Array(1000).fill(good.post_processor) } },
      'FORMAT',
      /1000 steps/,
    ],
    ['merges of nothing', { ...good, model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } }, 'FORMAT', /not in its vocabulary/],
    ['a table that is no base64', { ...good, normalizer: { type: 'Precompiled', precompiled_charsmap: '!' } }, 'FORMAT', /charsmap/],
    [
      'a table that is too short',
      { ...good, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AQEBAQEBAQE=' } },
      'FORMAT',
      /charsmap/,
    ],
    ['a mark of two characters', { ...good, pre_tokenizer: { type: 'Metaspace', replacement: '__' } }, 'FORMAT', /one character/],
    ['scores that are none', { ...good, model: { type: 'Unigram', vocab: [['a', 'x']], unk_id: 0 } }, 'FORMAT', /a token and its score/],
    ['an unknown token beyond the vocabulary', { ...good, model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 7 } }, 'FORMAT', /unk_id/],
  ] as [string, string | object, string, RegExp][])('are refused, by name: %s', async (_, tokenizer, code, message) => {
    const error = await failureOf(() => load(typeof tokenizer === 'string' ? tokenizer : JSON.stringify(tokenizer)));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.message).toContain('m/tokenizer.json');
  });

  it('are refused where another file is malformed, or tokenizer.json is missing', async () => {
    for (const [more, message] of [
      [{ 'm/tokenizer_config.json': '[]' }, /m\/tokenizer_config\.json: its content/],
      [{ 'm/tokenizer_config.json': '{"padding_side":"up"}' }, /left or right/],
      [{ 'm/tokenizer_config.json': '{"pad_token":3}' }, /pad_token must be/],
      [{ 'm/tokenizer_config.json': '{"extra_special_tokens":[3]}' }, /extra_special_tokens must be/],
      [{ 'm/tokenizer_config.json': '{"extra_special_tokens":"<a>"}' }, /extra_special_tokens must be/],
      [{ 'm/tokenizer_config.json': '{"added_tokens_decoder":{"x":{"content":"<a>"}}}' }, /added_tokens_decoder must have ids/],
      [{ 'm/tokenizer_config.json': '{"added_tokens_decoder":{"7":"<a>"}}' }, /added_tokens_decoder\.7 must be an object/],
      [{ 'm/added_tokens.json': '{"<a>":-1}' }, /added_tokens\.json: <a> must be/],
      [{ 'm/tokenizer_config.json': '{"tokenizer_class":"BertTokenizer","do_lower_case":"yes"}' }, /do_lower_case must be/],
      [{ 'm/tokenizer_config.json': '{"split_special_tokens":1}' }, /split_special_tokens must be/],
      [{ 'm/config.json': '{"tokenizer_class":7}' }, /config\.json: tokenizer_class must be/],
      [{ 'm/special_tokens_map.json': '{' }, /m\/special_tokens_map\.json is not valid JSON/],
    ] as [Record<string, string>, RegExp][])
      expect(await failureOf(() => load(text, more))).toMatchObject({ code: 'FORMAT', message: expect.stringMatching(message) });
    expect(await failureOf(() => Tokenizer.load(folderAt(memoryRuntime({}).runtime, 'm')))).toMatchObject({
      code: 'NOT_FOUND',
      culprit: 'm/tokenizer.json',
    });
  });

  it('may give tokens in older ways', async () => {
    const more = {
      'm/special_tokens_map.json': '{"pad_token":{"content":"[PAD]"}}',
      'm/tokenizer_config.json': '{"model_max_length":1e30}',
    };
    const { pad_token_id, model_max_length } = await load(text, more);
    expect([pad_token_id, model_max_length]).toEqual([0, undefined]);
  });

  it('may be as deep as they like', async () => {
    for (const depth of [10, 100_000]) {
      const normalizer = text.replace(/"normalizer": \{[^}]*\}/, () => `"normalizer": ${nested(depth)}`);
      const result = await load(normalizer).catch((error) => error);
      expect(result instanceof Tokenizer || (result instanceof HeedError && result.code === 'FORMAT')).toBe(true);
    }
  });

  it.each([
    ['normalizer', { type: 'Sequence', normalizers: new Array(60).fill(doubles) }],
    ['normalizer', nestedDoubles(8)],
    ['pre_tokenizer', { type: 'Sequence', pretokenizers: new Array(60).fill({ type: 'ByteLevel', add_prefix_space: true }) }],
    ['decoder', { type: 'Sequence', decoders: new Array(60).fill(doubles) }],
  ])('may make a text longer, but not without end: %s', async (part, steps) => {
    const tokenizer = await load(JSON.stringify({ ...good, [part]: steps }));
    const error = await failureOf(() => tokenizer.decode(tokenizer.encode('a cat é')));
    expect(error).toMatchObject({ code: 'FORMAT', culprit: part, message: expect.stringMatching(/makes \d+ characters of/) });
  });

  it.each([
    ['a string', '"7"'],
    ['a fraction', '1.5'],
    ['negative', '-1'],
    ['huge', '1e300'],
    ['an object', '{}'],
  ])('are refused once a word needs an id that is %s', async (_, id) => {
    const tokenizer = await load(text.replace('"q": 21', () => `"q": ${id}`));
    expect(tokenizer.encode('abc')).toHaveLength(5);
    expect(await failureOf(() => tokenizer.encode('q'))).toMatchObject({ code: 'FORMAT', message: expect.stringContaining('"q"') });
    expect(await failureOf(() => tokenizer.decode([5]))).toMatchObject({ code: 'FORMAT' });
  });

  it('may have tokens that objects inherit', async () => {
    const own = text
      .replace('"[PAD]": 0,', '"[PAD]": 0, "__proto__": 21, "constructor": 22,')
      .replace('"max_input_chars_per_word"', '"other"');
    const tokenizer = await load(own.replace('"BertPreTokenizer"', '"WhitespaceSplit"'));
    expect(tokenizer.encode('__proto__ constructor toString', { add_special_tokens: false }).slice(0, 2)).toEqual([21, 22]);
    expect((await load(text)).token_to_id('__proto__')).toBeUndefined();
  });

  it('never do anything but work or fail with a HeedError, whatever is changed', async () => {
    const change = fc.record({ at: fc.nat(text.length - 1), cut: fc.nat(4), put: fc.string({ maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = changes.reduce((value, { at, cut, put }) => value.slice(0, at) + put + value.slice(at + cut), text);
        try {
          const tokenizer = await load(changed);
          tokenizer.decode(tokenizer.encode('Hello, wörld 42! [MASK] 字', { text_pair: 'q' }));
        } catch (error) {
          expect(error).toBeInstanceOf(HeedError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never do anything but work or fail with a HeedError, whatever value is put in', async () => {
    const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('Sequence', 'BPE', '__proto__', 1e308, -1));
    const paths: string[][] = [];
    const walk = (value: unknown, path: string[]) => {
      if (path.length) paths.push(path);
      if (typeof value === 'object' && value)
        for (const key of Object.keys(value).slice(0, 8)) walk((value as Record<string, unknown>)[key], [...path, key]);
    };
    walk(good, []);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), values, async (path, value) => {
        const changed = structuredClone(good);
        const holder = path.slice(0, -1).reduce((at, key) => at[key], changed);
        holder[path.at(-1) as string] = value;
        try {
          const tokenizer = await load(JSON.stringify(changed));
          tokenizer.decode(tokenizer.encode('Hello, wörld 42! [MASK] 字', { text_pair: 'q' }));
        } catch (error) {
          expect(error).toBeInstanceOf(HeedError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

it('a tokenizer that fails has closed its files, also those that are still being read', async () => {
  const { runtime, state } = memoryRuntime(
    { 'm/tokenizer.json': `${text}${' '.repeat(9000)}`, 'm/tokenizer_config.json': '{' },
    { most: 64 },
  );
  await failureOf(() => Tokenizer.load(folderAt(runtime, 'm')));
  expect(state).toEqual({ opened: 2, closed: 2 });
});
