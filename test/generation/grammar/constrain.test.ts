/** What a constraint does to scores: exactly the tokens that can go on may come, in every tokenizer's way of writing bytes, for rows in any order. */
import { describe, expect, it } from 'vitest';
import { Expressions } from '../../../dist/generation/grammar/expression.js';
import { expressionOf } from '../../../dist/generation/grammar/format.js';
import { type Constraint, constrain, type ResponseFormat, type Vocabulary, vocabularyOf } from '../../../dist/generation/grammar/index.js';
import { argMax } from '../../../dist/generation/top_k.js';
import type { CallableTokenizer } from '../../../dist/text/tokenizer.js';
import { kind } from '../../text/hugging_face.js';
import { cut, END, failureOf, formatOf, randomOf, SIZE, textOf, toy, walk } from './toy.js';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 5 },
    kind: { enum: ['cat', 'cow', 12] },
    tags: { type: 'array', items: { type: 'string', pattern: '^[a-c]+$' } },
    n: { type: 'number', minimum: -2 },
    more: { $ref: '#' },
  },
  required: ['name'],
  additionalProperties: { type: 'boolean' },
};
const formats: [string, ResponseFormat][] = [
  ['a schema', formatOf(schema)],
  ['any object', { type: 'json_object' }],
  ['any object without white space', { type: 'json_object', whitespace: false }],
  ['a regular expression', { type: 'regex', regex: '(é|[a-c世]{2,4}|"x" )*[.!]' }],
  ['a choice', { type: 'choice', choices: ['abc', 'ab', '世界', '世 ', '🚀'] }],
];

/** The tokens whose bytes can follow, tried one by one. */
function following(format: ResponseFormat, ids: readonly number[], vocabulary: Vocabulary): number[] {
  const make = new Expressions();
  const after = (state: ReturnType<typeof make.text>, id: number) =>
    Array.from(vocabulary.tokens[id] ?? '', (byte) => byte.charCodeAt(0)).reduce((at, byte) => make.after(at, byte), state);
  const state = ids.reduce(after, expressionOf(make, format));
  const found = [...vocabulary.tokens.keys()].filter((id) => {
    make.begin();
    return vocabulary.tokens[id] && !vocabulary.eos.includes(id) && after(state, id) !== make.nothing;
  });
  return state.nullable ? [...found, ...vocabulary.eos] : found;
}

describe('the tokens that may come', () => {
  it.each(formats)('are those whose bytes can follow: %s', (_, format) => {
    for (const seed of [1, 2]) {
      const ids = walk(format, randomOf(seed), 15).slice(0, 60);
      const constraint = constrain(toy, format);
      for (let i = 0; i < ids.length; i += 3)
        expect(constraint.allowed(ids.slice(0, i)).sort()).toEqual(following(format, ids.slice(0, i), toy).sort());
    }
  });

  it('keep their scores, and others are −∞, those that no token has included', () => {
    const scores = Float32Array.from({ length: SIZE + 7 }, (_, id) => id);
    constrain(toy, { type: 'choice', choices: ['ab', 'b'] }).processor(2)(scores, [5, 6]);
    const [a, b, ab] = ['a', 'b', 'ab'].map((text) => toy.tokens.indexOf(text));
    expect([...scores.entries()].filter(([, score]) => score > Number.NEGATIVE_INFINITY)).toEqual([a, b, ab].map((id) => [id, id]));
  });

  it('are the end alone when nothing can follow, and anything when it has come', () => {
    const constraint = constrain(toy, { type: 'choice', choices: ['b'] });
    const b = toy.tokens.indexOf('b');
    expect([constraint.forced([]), constraint.forced([b]), constraint.forced([b, END])]).toEqual([b, END, undefined]);
    expect([constraint.complete([]), constraint.complete([b]), constraint.complete([b, END])]).toEqual([false, true, true]);
    const scores = new Float32Array(SIZE);
    constraint.apply(scores, [b, END], 0);
    expect(scores.every((score) => score === 0)).toBe(true);
  });

  it('are forced where there is one', () => {
    const constraint = constrain(toy, { type: 'regex', regex: 'xy?' });
    const [x, y] = ['x', 'y'].map((text) => toy.tokens.indexOf(text));
    expect([constraint.forced([]), constraint.forced([x as number]), constraint.forced([x as number, y as number])]).toEqual([
      x,
      undefined,
      END,
    ]);
  });

  it('end by any of several tokens', () => {
    const constraint = constrain(toy, { type: 'regex', regex: 'b' }, { eos_token_id: [7, END] });
    const b = toy.tokens.indexOf('b');
    expect(constraint.allowed([b])).toEqual([7, END]);
    expect([constraint.forced([b]), constraint.complete([b, 7])]).toEqual([undefined, true]);
  });

  it('are never special ones, though a text has their names', () => {
    const constraint = constrain(toy, { type: 'regex', regex: '(<end>|\\[TOOL_CALLS\\]|a)+' });
    expect(constraint.allowed([])).not.toContain(SIZE - 1);
    expect(constraint.allowed([])).not.toContain(END);
  });
});

describe('an automaton', () => {
  it('says the same when it has given up what it kept, and keeps no more than it may', () => {
    const [whole, small] = [new Expressions(), new Expressions(20)];
    const ids = walk(formatOf(schema), randomOf(2), 40);
    let given = 0;
    let [a, b] = [expressionOf(whole, formatOf(schema)), expressionOf(small, formatOf(schema))];
    for (const byte of ids.flatMap((id) => Array.from(toy.tokens[id] as string, (one) => one.charCodeAt(0))).filter((byte) => byte < 255)) {
      given += Number(small.begin());
      whole.begin();
      const next = (make: Expressions, state: typeof a) => Array.from({ length: 256 }, (_, one) => make.after(state, one) !== make.nothing);
      expect(next(small, b)).toEqual(next(whole, a));
      [a, b] = [whole.after(a, byte), small.after(b, byte)];
      if (a === whole.nothing) break;
      expect(b.nullable).toBe(a.nullable);
    }
    expect(given).toBeGreaterThan(3);
  });
});

describe('rows', () => {
  it('are told by their tokens alone: beams may be reordered, dropped and taken up again', () => {
    const random = randomOf(9);
    const constraint = constrain(toy, formatOf(schema));
    let beams: number[][] = [[1], [1], [1]];
    for (let step = 0; step < 30; step++) {
      const grown = beams.map((ids) => {
        const scores = Float32Array.from({ length: SIZE }, () => random());
        const own = scores.slice();
        constraint.apply(scores, ids, 1);
        // As if there had been no other row.
        constrain(toy, formatOf(schema)).apply(own, ids, 1);
        expect(scores).toEqual(own);
        return [...ids, argMax(scores)];
      });
      beams = [1, 2, 0].map((row) => (random() < 0.3 ? beams : grown)[row] as number[]).map((ids) => (ids.at(-1) === END ? [1] : ids));
    }
  });

  it('that go on with a token that does not fit throw', () => {
    const constraint = constrain(toy, { type: 'choice', choices: ['ab'] });
    const error = failureOf(() => constraint.allowed([toy.tokens.indexOf('x')]));
    expect([error?.code, error?.culprit]).toEqual(['ARGUMENT', 'response_format']);
  });

  it('that are no list are refused', () => {
    const constraint = constrain(toy, { type: 'choice', choices: ['ab'] });
    expect(failureOf(() => constraint.allowed(undefined as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'ids' });
  });
});

describe('a vocabulary', () => {
  const format = formatOf({
    type: 'object',
    properties: { city: { type: 'string' }, größe: { type: 'integer' } },
    required: ['city', 'größe'],
  });
  const value = { city: 'Zürich, 東京 🚀 "x"\n', größe: 42 };

  it.each(['gpt2', 'roberta', 'modernbert', 'llama2', 'llama2-metaspace', 'llama3', 't5', 'xlmr', 'albert'])(
    'of %s is of the bytes that its texts are of',
    (name) => {
      const { tokenizer } = kind(name) as { tokenizer: CallableTokenizer };
      const vocabulary = vocabularyOf(tokenizer);
      const special = new Set(tokenizer.all_special_ids);
      const anchor = tokenizer.encode('a', { add_special_tokens: false });
      for (const text of ['The cat sat.', ' two  spaces', 'x = [1, 2];\n\n\ty', 'Zürich 東京 🚀']) {
        const ids = tokenizer.encode(text, { add_special_tokens: false });
        if (ids.some((id) => special.has(id) || vocabulary.tokens[id] === undefined)) continue;
        // Behind another token, where nothing is taken away from a text's beginning.
        const within = tokenizer
          .decode([...anchor, ...ids], { clean_up_tokenization_spaces: false })
          .slice(tokenizer.decode(anchor).length);
        expect(textOf(ids, vocabulary)).toBe(within);
      }
    },
  );

  it.each(['gpt2', 'llama2', 'llama2-metaspace', 'llama3'])('of %s writes what fits', (name) => {
    const { tokenizer } = kind(name) as { tokenizer: CallableTokenizer };
    const vocabulary = vocabularyOf(tokenizer);
    const eos_token_id = tokenizer.all_special_ids[0] as number;
    const constraint = constrain(tokenizer, format, { eos_token_id });
    const random = randomOf(11);
    // A text's tokens may come, however it is cut, and what comes by chance is read by the tokenizer as it should be.
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      const ids = cut(text, random, vocabulary);
      expect(ids.every((id, i) => constraint.allowed(ids.slice(0, i)).includes(id)) && constraint.complete(ids)).toBe(true);
      expect(JSON.parse(tokenizer.decode(ids))).toEqual(value);
    }
    for (let i = 0; i < 5; i++) {
      const ids = written(constraint, vocabulary, random, eos_token_id);
      const parsed = JSON.parse(tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false }));
      expect([Object.keys(parsed), typeof parsed.city, Number.isInteger(parsed.größe)]).toEqual([['city', 'größe'], 'string', true]);
    }
  });

  it('of SentencePiece may begin a text with the space that is taken away', () => {
    const { tokenizer } = kind('llama2') as { tokenizer: CallableTokenizer };
    const space = vocabularyOf(tokenizer).tokens.indexOf(' ');
    const constraint = constrain(tokenizer, { type: 'choice', choices: ['a'] }, { eos_token_id: 2 });
    expect(constraint.allowed([])).toContain(space);
    expect(constraint.allowed([space])).not.toContain(space);
  });

  it('is plain data, which can be sent to a worker', () => {
    const sent = structuredClone(toy);
    expect(constrain(sent, formatOf(schema)).allowed([])).toEqual(constrain(toy, formatOf(schema)).allowed([]));
  });

  it('that cannot write what is asked for is told', () => {
    const poor: Vocabulary = { tokens: ['a', 'b', '\xff<end>\xff'], eos: [2], strips: false };
    expect(failureOf(() => constrain(poor, { type: 'choice', choices: ['c'] }))?.message).toContain('no token of the vocabulary');
    const constraint = constrain(poor, { type: 'choice', choices: ['ac'] });
    expect(failureOf(() => constraint.apply(new Float32Array(3), [0], 0))?.message).toContain('no token of the vocabulary');
  });
});

function written(constraint: Constraint, { tokens }: Vocabulary, random: () => number, end: number): number[] {
  const quote = tokens.indexOf('"');
  const ids: number[] = [];
  while (ids.at(-1) !== end) {
    const scores = Float32Array.from({ length: tokens.length }, random);
    if (ids.length > 20) scores[quote] = scores[end] = 2;
    constraint.apply(scores, ids, 0);
    ids.push(argMax(scores));
  }
  return ids;
}

describe('a format', () => {
  it.each<[format: unknown, code: string, culprit: string]>([
    [undefined, 'ARGUMENT', 'response_format'],
    ['json', 'ARGUMENT', 'response_format'],
    [{ type: 'xml' }, 'ARGUMENT', 'response_format'],
    [{ type: 'toString' }, 'ARGUMENT', 'response_format'],
    [{ type: 'json_object', schema: {} }, 'UNSUPPORTED', 'schema'],
    [{ type: 'json_object', whitespace: 'no' }, 'ARGUMENT', 'whitespace'],
    [{ type: 'json_schema' }, 'ARGUMENT', 'options'],
    [{ type: 'json_schema', json_schema: { type: 'string' } }, 'UNSUPPORTED', 'type'],
    [{ type: 'choice', choices: [] }, 'ARGUMENT', 'choices'],
    [{ type: 'choice', choices: ['a', ''] }, 'ARGUMENT', 'choices'],
    [{ type: 'choice', choices: ['a', 5] }, 'ARGUMENT', 'choices'],
    [{ type: 'choice', choices: ['a', '\ud83d'] }, 'ARGUMENT', 'choices'],
    [{ type: 'choice', choices: ['a'.repeat(100_001)] }, 'ARGUMENT', 'choices'],
  ])('%j is none', (format, code, culprit) => {
    const error = failureOf(() => constrain(toy, format as ResponseFormat));
    expect([error?.code, error?.culprit]).toEqual([code, culprit]);
  });

  it('needs a tokenizer, and a token that ends a text', () => {
    for (const tokenizer of [{}, null, undefined, 5])
      expect(failureOf(() => constrain(tokenizer as Vocabulary, { type: 'json_object' }))?.culprit).toBe('tokenizer');
    for (const options of [{}, { eos_token_id: [] }, { eos_token_id: -1 }, { eos_token_id: 'x' as unknown as number }])
      expect(failureOf(() => constrain({ ...toy, eos: [] }, { type: 'json_object' }, options))?.culprit).toBe('eos_token_id');
  });
});
