/** JSON schemas: what is written parses and fits, whatever tokens come; what fits may be written, however it is cut into tokens; and what heed does not have is named. */

import { describe, expect, it } from 'vitest';
import { type Constraint, constrain } from '../../../dist/generation/grammar/index.js';
import fc from '../../draws.js';
import { sample, whole } from './schemas.js';
import { accepts, binary, cut, failureOf, formatOf, randomOf, textOf, toy, walk } from './toy.js';
import { validates } from './validator.js';

const spaced = [undefined, 2, 1] as const;

describe('a schema by chance', () => {
  it('is fitted by whatever is written', () => {
    const counts = { written: 0, impossible: 0 };
    fc.assert(
      fc.property(whole, fc.nat(), (schema, seed) => {
        const random = randomOf(seed);
        let constraint: Constraint | undefined;
        const failure = failureOf(() => {
          constraint = constrain(toy, formatOf(schema));
        });
        if (!constraint) {
          // Chance contradicts itself now and then.
          expect([failure?.code, failure?.message]).toEqual(['ARGUMENT', expect.stringContaining('fits no value')]);
          counts.impossible++;
          return;
        }
        for (let i = 0; i < 4; i++) {
          const text = textOf(walk(constraint, random, [5, 20, 40, 80][i]));
          expect(validates(JSON.parse(text), schema), `${JSON.stringify(schema)}\n${text}`).toBe(true);
          counts.written++;
        }
      }),
      { numRuns: 400, seed: 4 },
    );
    expect(counts.written).toBeGreaterThan(1000);
    expect(counts.impossible).toBeLessThan(130);
  });

  it('may be fitted by every value, as programs write it', () => {
    let written = 0;
    fc.assert(
      fc.property(whole, fc.nat(), (schema, seed) => {
        const random = randomOf(seed);
        for (let i = 0; i < 3; i++) {
          const found = sample(schema, random);
          if (!found || !validates(found.value, schema)) continue;
          const text = JSON.stringify(found.value, null, spaced[i]);
          const ids = cut(text, random);
          expect(accepts(formatOf(schema), ids), `${JSON.stringify(schema)}\n${text}`).toBe(true);
          written++;
        }
      }),
      { numRuns: 400, seed: 5 },
    );
    expect(written).toBeGreaterThan(500);
  });
});

const accepted = (schema: unknown, text: string, whitespace?: boolean) => {
  const format = { type: 'json_schema', json_schema: { schema }, whitespace } as const;
  const ids = Array.from(binary(text), (byte) => byte.charCodeAt(0));
  return accepts(format, ids);
};

describe('a schema', () => {
  it.each<[what: string, schema: unknown, fits: string[], not: string[]]>([
    ['an integer', { type: 'integer' }, ['0', '-7', '9007199254740991'], ['1.0', '01', '-0', '1e3', '-', '']],
    [
      'an integer within bounds',
      { type: 'integer', minimum: -12, maximum: 105 },
      ['-12', '-1', '0', '99', '105'],
      ['-13', '106', '200', '1000'],
    ],
    [
      'an integer apart from its bounds',
      { type: 'integer', exclusiveMinimum: 9, exclusiveMaximum: 100.5 },
      ['10', '100'],
      ['9', '101', '1'],
    ],
    ['an integer within bounds that are none', { type: 'integer', minimum: 0.5, maximum: 3.2 }, ['1', '3'], ['0', '4']],
    ['a number', { type: 'number' }, ['0', '-0.5', '12.25', '1e+21', '1.5E-7', '2e307'], ['.5', '1.', '01', '1e309', '+1', '1e999']],
    [
      'a number within bounds',
      { type: 'number', minimum: -1.5, exclusiveMaximum: 20 },
      ['-1.5', '-1.49', '0', '19.999999', '0.000'],
      ['-1.51', '20', '20.0', '1e1', '-2'],
    ],
    ['a number above 0', { type: 'number', exclusiveMinimum: 0 }, ['0.1', '0.0001', '100'], ['0', '0.0', '-1', '-0']],
    ['a number below 1', { type: 'number', exclusiveMaximum: 1 }, ['0.99', '-5'], ['1', '0.99999999999999999999', '1.0']],
    [
      'a string',
      { type: 'string' },
      ['""', '"a\\n\\u00e9\\ud83d\\ude80\\/"', '"é🚀"'],
      ['"\n"', '"\\x"', '"\\ud83d"', '"\\ude80"', "'a'", '"a'],
    ],
    [
      'a string by its characters',
      { type: 'string', minLength: 2, maxLength: 3 },
      ['"🚀é"', '"\\ud83d\\ude80a"', '"abc"'],
      ['"🚀"', '"abcd"', '"\\n"'],
    ],
    [
      'a pattern and a length',
      { type: 'string', pattern: '^(ab)+$', minLength: 3, maxLength: 5 },
      ['"abab"'],
      ['"ab"', '"ababab"', '"abc"'],
    ],
    ['a pattern that is found within', { type: 'string', pattern: 'x\\n' }, ['"ax\\nb"', '"x\\n"'], ['"ax"', '"x\n"']],
    [
      'a date',
      { type: 'string', format: 'date' },
      ['"2000-02-29"', '"2024-02-29"', '"2023-04-30"'],
      ['"1900-02-29"', '"2023-02-29"', '"2023-04-31"', '"2023-13-01"'],
    ],
    [
      'a list',
      { type: 'array', items: { type: 'null' }, minItems: 1, maxItems: 2 },
      ['[null]', '[null, null]', '[\n  null\n]'],
      ['[]', '[null,null,null]', '[null,]', '[ , null]', '[  null]'],
    ],
    ['a tuple', { type: 'array', prefixItems: [{ const: 1 }, { const: 2 }], minItems: 1 }, ['[1]', '[1,2]'], ['[]', '[2]', '[1,2,3]']],
    ['a tuple and more', { type: 'array', prefixItems: [{ const: 1 }], items: { const: 0 } }, ['[]', '[1]', '[1,0,0]'], ['[0]', '[1,1]']],
    ['any list', { type: 'array' }, ['[]', '[1,"a",[{}]]'], ['{}', '[1}']],
    [
      'an object',
      { type: 'object', properties: { a: { const: 1 }, b: { const: 2 } }, required: ['b'] },
      ['{"a":1,"b":2}', '{"b":2}', '{ "b": 2 }'],
      ['{"a":1}', '{"b":2,"a":1}', '{"b":2,"c":3}', '{"b":2,"b":2}', '{}'],
    ],
    [
      'an object and others',
      { type: 'object', properties: { a: { const: 1 } }, additionalProperties: { const: 0 } },
      ['{}', '{"a":1,"b":0,"aa":0}', '{"b":0}'],
      ['{"b":1}', '{"a":0}', '{"\\u0061":0}'],
    ],
    ['no members', { type: 'object', properties: {} }, ['{}'], ['{"a":1}']],
    ['any object', { type: 'object' }, ['{}', '{"a":{"b":[]}}'], ['[]', '1']],
    ['members that must be there and are not described', { type: 'object', required: ['x'] }, ['{"x":[1]}'], ['{}', '{"y":1}']],
    ['any value', true, ['1', '"a"', '{"a":[null,true]}'], ['nul', '{a:1}']],
    ['values', { enum: ['a', 'ab', 1, null, { k: [1] }] }, ['"a"', '"ab"', '1', 'null', '{"k":[1]}'], ['"b"', '2', '{}']],
    ['values of a type', { type: ['integer', 'null'], enum: [1, 1.5, 'a', null], minimum: 0 }, ['1', 'null'], ['1.5', '"a"']],
    [
      'alternatives beside what holds for all',
      {
        type: 'object',
        properties: { a: { type: 'integer' } },
        required: ['a'],
        anyOf: [{ properties: { a: { minimum: 5 } } }, { properties: { b: { const: 1 } }, required: ['b'] }],
      },
      ['{"a":5}', '{"a":0,"b":1}'],
      ['{"a":0}', '{"b":1}'],
    ],
    [
      'one of several that a member tells apart',
      {
        oneOf: [
          { type: 'object', properties: { t: { const: 1 }, x: { const: 1 } }, required: ['t'] },
          { type: 'object', properties: { t: { const: 2 }, y: { const: 1 } }, required: ['t'] },
        ],
      },
      ['{"t":1,"x":1}', '{"t":2,"y":1}'],
      ['{"t":1,"y":1}'],
    ],
    [
      'all of several',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'integer' } } },
          { properties: { a: { minimum: 3 }, b: { const: 0 } }, required: ['b'] },
        ],
      },
      ['{"a":3,"b":0}', '{"b":0}'],
      ['{"a":2,"b":0}', '{"a":3}'],
    ],
    [
      'bounds of several',
      { allOf: [{ type: 'number', minimum: 1 }, { type: 'integer', minimum: 2, maximum: 9 }, { exclusiveMaximum: 9 }] },
      ['2', '8'],
      ['1', '9', '2.5'],
    ],
    ['a reference with siblings', { $defs: { id: { type: 'string' } }, $ref: '#/$defs/id', maxLength: 1 }, ['"a"'], ['"ab"']],
    ['itself', { type: 'array', items: { $ref: '#' } }, ['[]', '[[],[[]]]'], ['[1]', '[[]']],
    ['a reference with an escaped name', { $defs: { 'a/b~c': { const: 1 } }, $ref: '#/$defs/a~1b~0c' }, ['1'], ['2']],
    [
      'annotations',
      { type: 'null', title: 'T', description: 'D', default: 1, examples: [1], $comment: 'c', 'x-own': 1, deprecated: true },
      ['null'],
      ['1'],
    ],
    ['what is meant without a type', { properties: { a: { minLength: 1 } }, required: ['a'] }, ['{"a":"x"}'], ['{"a":""}', '1']],
  ])('%s', (_, schema, fitting, not) => {
    for (const text of fitting) expect([text, accepted(schema, text)]).toEqual([text, true]);
    for (const text of not) expect([text, accepted(schema, text)]).toEqual([text, false]);
  });

  it('may be fitted without any white space', () => {
    const schema = { type: 'object', properties: { a: { type: 'array', items: true } }, required: ['a'] };
    expect(['{"a":[1,2]}', '{"a": [1]}', '{"a":[1, 2]}', '{\n"a":[]}'].map((text) => accepted(schema, text, false))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('leaves out what could only be written without end', () => {
    const schema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/endless' }, b: { const: 1 } },
      $defs: { endless: { type: 'array', items: { $ref: '#/$defs/endless' }, minItems: 1 } },
    };
    expect(['{}', '{"b":1}', '{"a":['].map((text) => accepted(schema, text))).toEqual([true, true, false]);
    expect(failureOf(() => constrain(toy, formatOf({ $ref: '#/$defs/endless', $defs: schema.$defs })))?.message).toContain(
      'fits no value that has an end',
    );
  });

  it.each<[schema: unknown, culprit: string]>([
    [{ not: { type: 'null' } }, '#/not'],
    [{ type: 'array', uniqueItems: true }, '#/uniqueItems'],
    [{ type: 'object', patternProperties: {} }, '#/patternProperties'],
    [{ type: 'object', minProperties: 1 }, '#/minProperties'],
    [{ type: 'object', properties: { a: { type: 'array', contains: {} } } }, '#/properties/a/contains'],
    [{ type: 'integer', multipleOf: 2 }, '#/multipleOf'],
    [{ if: {}, else: {} }, '#/if'],
    [{ type: 'string', format: 'regex' }, '#/format'],
    [{ tpye: 'string' }, '#/tpye'],
    [{ constructor: 1 }, '#/constructor'],
    [{ $ref: 'https://example.org/schema' }, '#/$ref'],
    [{ $ref: '#anchor' }, '#/$ref'],
    [{ oneOf: [{ type: 'string' }, { type: 'string', maxLength: 3 }] }, '#/oneOf'],
    [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, '#/oneOf'],
    [{ type: 'string', pattern: '(a)\\1' }, '#/pattern'],
    [{ type: 'number', minimum: 1e-9 }, '#'],
    [{ type: 'number', exclusiveMaximum: 0.1234567890123456 }, '#'],
  ])('%j asks for what heed does not have', (schema, culprit) => {
    const error = failureOf(() => constrain(toy, formatOf(schema)));
    expect([error?.code, error?.culprit]).toEqual(['UNSUPPORTED', culprit]);
  });

  it.each<[schema: unknown, culprit: string]>([
    [null, '#'],
    [5, '#'],
    [[], '#'],
    [false, '#'],
    [{ type: 'text' }, '#/type'],
    [{ type: [] }, '#/type'],
    [{ properties: { a: 5 } }, '#/properties'],
    [{ items: [{}] }, '#/items'],
    [{ required: 'a' }, '#/required'],
    [{ minLength: -1 }, '#/minLength'],
    [{ minimum: Number.NaN }, '#/minimum'],
    [{ enum: [] }, '#/enum'],
    [{ anyOf: [] }, '#/anyOf'],
    [{ $ref: '#/$defs/none' }, '#/$ref'],
    [{ $ref: '#' }, '#'],
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } } }, '#/$defs/a'],
    [{ allOf: [{ type: 'string' }, { type: 'null' }] }, '#'],
    [{ type: 'object', properties: { a: { type: 'integer', minimum: 3, maximum: 2 } }, required: ['a'] }, '#/properties/a'],
    [{ type: 'string', minLength: 3, maxLength: 2 }, '#'],
    [{ type: 'string', pattern: '^a{5}$', maxLength: 4 }, '#'],
    [{ type: 'string', pattern: '(' }, '#/pattern'],
    [{ enum: ['a'], type: 'integer' }, '#'],
    [{ type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] }, '#/properties/self'],
  ])('%j fits nothing, or is none', (schema, culprit) => {
    const error = failureOf(() => constrain(toy, formatOf(schema)));
    expect([error?.code, error?.culprit]).toEqual(['ARGUMENT', culprit]);
  });
});
