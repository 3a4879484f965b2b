/** Formats that are made to take forever: work is counted, so that each is answered or refused. */

import { describe, expect, it } from 'vitest';
import { constrain, type ResponseFormat } from '../../../dist/generation/grammar/index.js';
import fc from '../../draws.js';
import { failureOf, formatOf, randomOf, SIZE, toy } from './toy.js';

const deep = (levels: number, around: (inner: unknown) => unknown, inner: unknown = { type: 'null' }) => {
  let schema = inner;
  for (let i = 0; i < levels; i++) schema = around(schema);
  return schema;
};
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
const circular: Record<string, unknown> = { type: 'array' };
circular.items = circular;
const regex = (source: string): ResponseFormat => ({ type: 'regex', regex: source });
const string = (more: object) => formatOf({ type: 'string', ...more });

const hostile: Record<string, ResponseFormat> = {
  'a determinate automaton of 2 ** 30 states': regex('(a|b)*a(a|b){30}'),
  'nested bounds': regex('(((a{0,1000}){0,1000}){0,1000}){0,1000}b'),
  'nested bounds that overlap': regex('(.{0,1000}x){1000}'),
  'options in a row': regex('a?'.repeat(3000) + 'a'.repeat(3000)),
  'alternatives that begin alike': regex(
    many(2000, (i) => `a{${i}}b`)
      .join('|')
      .slice(0, 9990),
  ),
  'every property there is': regex(many(60, (i) => `\\p{Script=${['Greek', 'Latin', 'Han', 'Thai'][i % 4]}}\\P{L}`).join('')),
  'many properties': regex(
    [
      'L',
      'Lu',
      'Ll',
      'Lt',
      'Lm',
      'Lo',
      'M',
      'Mn',
      'Mc',
      'Me',
      'N',
      'Nd',
      'Nl',
      'No',
      'P',
      'Pc',
      'Pd',
      'Ps',
      'Pe',
      'Pi',
      'Pf',
      'Po',
      'S',
      'Sm',
      'Sc',
    ]
      .map((name) => `\\p{${name}}`)
      .join(''),
  ),
  'patterns that contradict each other far out': string({ pattern: '^(a{3})*$', minLength: 100_000 }),
  'patterns that never meet': formatOf({
    allOf: many(12, (i) => ({ type: 'string', pattern: `^(a{${[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37][i]}})+$` })),
  }),
  'patterns that hardly meet': formatOf({ allOf: many(8, (i) => ({ type: 'string', pattern: `^(.{${i + 2}})*${'abcdefgh'[i]}` })) }),
  'a string of a million characters': string({ minLength: 1_000_000, maxLength: 1_000_000 }),
  'a list of a million': formatOf({ type: 'array', minItems: 1_000_000, items: { type: 'array', minItems: 1_000_000 } }),
  'nested lists': formatOf(deep(5000, (items) => ({ type: 'array', items }))),
  'nested alternatives': formatOf(deep(5000, (inner) => ({ anyOf: [inner, { type: 'null' }] }))),
  'nested allOf': formatOf(deep(5000, (inner) => ({ allOf: [inner] }))),
  'alternatives of alternatives': formatOf(deep(30, (inner) => ({ anyOf: [inner, inner] }), { type: 'object' })),
  'alternatives that all hold': formatOf({ allOf: many(40, () => ({ anyOf: [{ minimum: 1 }, { maximum: 5 }] })) }),
  'a schema that holds itself': formatOf(circular),
  'many optional members': formatOf({
    type: 'object',
    properties: Object.fromEntries(many(500, (i) => [`member${i}`, { type: 'string' }])),
  }),
  'too many members': formatOf({ type: 'object', properties: Object.fromEntries(many(100_000, (i) => [`member${i}`, true])) }),
  'many values': formatOf({ enum: many(50_000, (i) => i) }),
  'long values that begin alike': { type: 'choice', choices: many(400, (i) => 'a'.repeat(i + 1)) },
  'a chain of references': formatOf({ $ref: '#/$defs/0', $defs: Object.fromEntries(many(2000, (i) => [i, { $ref: `#/$defs/${i + 1}` }])) }),
  'doubling references': formatOf({
    $ref: '#/$defs/0',
    $defs: Object.fromEntries([
      ...many(40, (i) => [i, { type: 'array', prefixItems: [{ $ref: `#/$defs/${i + 1}` }, { $ref: `#/$defs/${i + 1}` }] }] as const),
      [40, { type: 'null' }],
    ]),
  }),
  'ambiguous recursion': formatOf({
    $ref: '#/$defs/a',
    $defs: { a: { anyOf: many(6, (i) => ({ type: 'array', prefixItems: [{ $ref: '#/$defs/a' }], items: { const: i } })) } },
  }),
  'members that all hold again': formatOf({
    $defs: { a: { properties: { c: { $ref: '#/$defs/a' } } }, b: { properties: { c: { $ref: '#/$defs/b' } } } },
    allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
  }),
  'oneOf of many': formatOf({ oneOf: many(3000, (i) => ({ type: 'object', properties: { t: { const: i } }, required: ['t'] })) }),
  'a bound beyond numbers': formatOf({ type: 'integer', minimum: -1e300, maximum: 1e300 }),
  'a long name': formatOf({ type: 'object', properties: { ['x'.repeat(1_000_000)]: true } }),
  'names that are methods': formatOf({
    type: 'object',
    properties: { ['__proto__']: { type: 'null' }, constructor: { type: 'null' } },
    required: ['__proto__'],
  }),
};

describe('a hostile format', () => {
  it.each(Object.keys(hostile))('%s is answered or refused', (name) => {
    const random = randomOf(1);
    const error = failureOf(() => {
      const constraint = constrain(toy, hostile[name] as ResponseFormat);
      const ids: number[] = [];
      for (let step = 0; step < 25; step++) {
        const scores = Float32Array.from({ length: SIZE }, random);
        // Whatever goes on rather than ends.
        for (const id of ['[', 'a', '{"', '"'].map((text) => toy.tokens.indexOf(text))) scores[id] = 1 + random();
        constraint.apply(scores, ids, 0);
        const next = scores.reduce((best, score, id) => (score > (scores[best] as number) ? id : best), 0);
        if (toy.eos.includes(next)) break;
        ids.push(next);
      }
    });
    if (error) expect([error.code, error.message.length < 600]).toEqual([expect.stringMatching(/^(ARGUMENT|UNSUPPORTED)$/), true]);
  });

  it.each([
    'a determinate automaton of 2 ** 30 states',
    'ambiguous recursion',
    'many optional members',
    'a string of a million characters',
    'doubling references',
    'members that all hold again',
    'names that are methods',
    'many values',
  ])('%s is answered: states are made when they are met', (name) => {
    const constraint = constrain(toy, hostile[name] as ResponseFormat);
    expect(constraint.allowed([]).length).toBeGreaterThan(0);
  });

  it('of any kind is answered or refused', () => {
    const words = fc.constantFrom(
      'type',
      'properties',
      'items',
      'anyOf',
      'oneOf',
      'allOf',
      '$ref',
      'enum',
      'const',
      'required',
      'pattern',
      'minLength',
      'maximum',
      'prefixItems',
      'additionalProperties',
      'format',
      'title',
      '$defs',
      '__proto__',
      'toString',
    );
    const values = fc.letrec((tie) => ({
      schema: fc.dictionary(words, tie('value'), { maxKeys: 4 }),
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('object', 'array', 'string', 'integer', '#', '#/properties/a', '^a$', 'date', null, true, false, 0, -1, 3, 1e9),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('schema'),
        fc.dictionary(fc.constantFrom('a', 'b'), tie('schema'), { maxKeys: 2 }),
      ),
    })).schema as fc.Arbitrary<unknown>;
    let answered = 0;
    fc.assert(
      fc.property(values, (schema) => {
        const error = failureOf(() => {
          answered += Number(constrain(toy, formatOf(schema)).allowed([]).length > 0);
        });
        if (error) expect(error.code).toMatch(/^(ARGUMENT|UNSUPPORTED)$/);
      }),
      { numRuns: 2000, seed: 7 },
    );
    expect(answered).toBeGreaterThan(100);
  });
});
