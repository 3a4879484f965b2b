/** Schemas put together by chance, and values that fit them, written as a program would write them. */
import fc from '../../draws.js';
import { type Schema, targetOf } from './validator.js';

/** Patterns, and texts in which they are found. */
export const patterns: readonly (readonly [pattern: string, fitting: readonly string[]])[] = [
  ['^[a-z]+$', ['abc', 'the']],
  ['\\d{2,3}', ['12', 'x20y', '世12']],
  ['^(ab|cd)*$', ['', 'abcd', 'abab']],
  ['é|"', ['é', 'a"b', 'the é']],
  ['^\\S+ \\S+$', ['the the', 'é 世']],
];
export const formats: Readonly<Record<string, readonly string[]>> = {
  date: ['2024-02-29', '1999-12-31'],
  time: ['12:20:00Z', '23:59:59.5+01:00'],
  'date-time': ['2020-12-12T12:12:12Z'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000'],
  email: ['a.b@ab.the', "o'neil@example.org"],
  ipv4: ['127.0.0.1', '255.249.12.0'],
  hostname: ['example.org', 'a'],
  uri: ['https://example.org/a?b=c#d', 'http://a'],
  duration: ['P12W', 'P1Y2M3DT4H'],
};

const names = fc.constantFrom('a', 'b', 'kind', 'name', 'é"', '__proto__');
const count = (max: number) => fc.option(fc.nat(max), { nil: undefined });
const bound = fc.option(
  fc.oneof(
    fc.integer({ min: -200, max: 200 }),
    fc.integer({ min: -2000, max: 2000 }).map((n) => n / 100),
  ),
  { nil: undefined },
);
const clean = (record: object) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
const scalars = [null, true, false, 0, -12, 1.5, '', 'a', 'é"\n', '世界', '12'];

export const schemas: fc.Arbitrary<Schema> = fc.letrec((tie) => ({
  string: fc.record({ type: fc.constant('string'), minLength: count(4), maxLength: count(12) }).map(clean),
  pattern: fc
    .record({ type: fc.constant('string'), pattern: fc.constantFrom(...patterns.map(([pattern]) => pattern)), maxLength: count(9) })
    .map(clean),
  format: fc.constantFrom(...Object.keys(formats)).map((format) => ({ type: 'string', format })),
  number: fc
    .record({
      type: fc.constantFrom('number', 'integer'),
      minimum: bound,
      maximum: bound,
      exclusiveMinimum: bound,
      exclusiveMaximum: bound,
    })
    .map(clean),
  scalar: fc.constantFrom(
    { type: 'null' },
    { type: 'boolean' },
    { type: ['string', 'null'] },
    { type: ['integer', 'boolean'], minimum: 3 },
    true,
    {},
    { type: 'number' },
  ),
  values: fc.oneof(
    fc.uniqueArray(fc.constantFrom(...scalars, [1, 'a'], { a: 1 }), { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
    fc.constantFrom(...scalars, { a: [1], 'é"': null }).map((value) => ({ const: value })),
  ),
  array: fc
    .record({ type: fc.constant('array'), items: fc.option(tie('any'), { nil: undefined }), minItems: count(3), maxItems: count(5) })
    .map(clean),
  tuple: fc
    .record({
      type: fc.constant('array'),
      prefixItems: fc.array(tie('any'), { minLength: 1, maxLength: 3 }),
      items: fc.constantFrom(undefined, false, { type: 'integer' }),
      minItems: count(3),
    })
    .map(clean),
  object: fc
    .record({
      table: fc.uniqueArray(fc.tuple(names, tie('any'), fc.boolean()), { selector: ([name]) => name, maxLength: 4 }),
      additional: fc.oneof(fc.constantFrom(undefined, false), tie('leaf')),
    })
    .map(({ table, additional }) =>
      clean({
        type: 'object',
        properties: Object.fromEntries(table.map(([name, schema]) => [name, schema])),
        required: table.filter(([, , required]) => required).map(([name]) => name),
        additionalProperties: additional,
      }),
    ),
  either: fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
  exclusive: fc.constantFrom(
    { oneOf: [{ type: 'string', maxLength: 3 }, { type: 'integer' }, { type: 'array', items: { type: 'null' } }] },
    {
      oneOf: ['a', 'b'].map((kind) => ({
        type: 'object',
        properties: { kind: { const: kind }, [kind]: { type: 'integer' } },
        required: ['kind'],
      })),
    },
  ),
  both: fc.tuple(tie('object'), tie('object')).map((allOf) => ({ allOf })),
  narrowed: fc.tuple(tie('leaf'), tie('leaf')).map((allOf) => ({ allOf })),
  tree: fc.constantFrom({ $ref: '#/$defs/tree' }, { $ref: '#/$defs/list' }),
  leaf: fc.oneof(...['string', 'pattern', 'format', 'number', 'number', 'scalar', 'values'].map((name) => tie(name))),
  any: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'schema' },
    tie('leaf'),
    ...['array', 'tuple', 'object', 'object', 'either', 'exclusive', 'both', 'narrowed', 'tree'].map((name) => tie(name)),
  ),
})).any as fc.Arbitrary<Schema>;

const $defs = {
  tree: {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] } },
    required: ['a'],
  },
  list: { type: 'array', items: { $ref: '#/$defs/list' }, maxItems: 2 },
};

/** A schema that may refer to others. */
export const whole = schemas.map((schema): Schema => (typeof schema === 'object' ? { ...schema, $defs } : schema));

/** A value that fits, with members in the schema's order; undefined where there is none that is soon found. */
export function sample(schema: Schema, random: () => number, root: Schema = schema, depth = 0): { value: unknown } | undefined {
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] as T;
  if (depth > 8) return undefined;
  const own = (inner: Schema) => sample(inner, random, root, depth + 1);
  if (schema === false) return undefined;
  if (schema === true) return { value: pick([...scalars, [], {}, [[1]], { x: { y: [] } }]) };
  if (schema.$ref) return own(targetOf(schema.$ref, root));
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return own(pick(branches));
  if (schema.allOf) return undefined;
  if (schema.enum) return { value: pick(schema.enum) };
  if ('const' in schema) return { value: schema.const };
  const type = pick([schema.type].flat());
  const { minLength = 0, maxLength = minLength + 5, minItems = 0, maxItems = minItems + 2 } = schema;
  const length = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  if (type === undefined) return { value: pick(scalars) };
  if (type === 'null') return { value: null };
  if (type === 'boolean') return { value: random() < 0.5 };
  if (type === 'integer' || type === 'number') {
    const [low, high] = [
      Math.max(schema.minimum ?? -500, schema.exclusiveMinimum ?? -500),
      Math.min(schema.maximum ?? 500, schema.exclusiveMaximum ?? 500),
    ];
    const value =
      type === 'integer' ? Math.ceil(low) + Math.floor(random() * (high - low)) : Number((low + random() * (high - low)).toFixed(2));
    return { value: pick([value, low, high]) };
  }
  if (type === 'string') {
    if (schema.pattern) return { value: pick(patterns.find(([pattern]) => pattern === schema.pattern)?.[1] ?? []) };
    if (schema.format) return { value: pick(formats[schema.format] as string[]) };
    return { value: Array.from({ length: length(minLength, maxLength) }, () => pick([...'abc"\\\n\u0001é世🚀/ '])).join('') };
  }
  if (type === 'array') {
    const firsts = schema.prefixItems ?? [];
    const most =
      schema.items === false || (schema.prefixItems && schema.items === undefined) ? Math.min(maxItems, firsts.length) : maxItems;
    const items = Array.from({ length: length(minItems, most) }, (_, i) => own(firsts[i] ?? schema.items ?? true));
    return items.every(Boolean) ? { value: items.map((item) => item?.value) } : undefined;
  }
  const found = new Map<string, unknown>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (!schema.required?.includes(name) && random() < 0.4) continue;
    const value = own(inner);
    if (value) found.set(name, value.value);
    else if (schema.required?.includes(name)) return undefined;
  }
  if (typeof schema.additionalProperties === 'object')
    for (const name of ['x', 'the é'].slice(length(0, 2))) {
      const value = own(schema.additionalProperties);
      if (value) found.set(name, value.value);
    }
  return { value: Object.fromEntries(found) };
}
