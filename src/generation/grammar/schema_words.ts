/** JSON Schema's keywords: the supported ones, their valid values, and the types to which they apply. Other keywords are refused by name. */
import { HeedError, kindOf } from '../../errors.js';
import { formats } from './formats.js';

export type Type = 'null' | 'boolean' | 'object' | 'array' | 'number' | 'integer' | 'string';
export type SchemaObject = Readonly<Record<string, unknown>>;
export type Schema = boolean | SchemaObject;

export const isObject = (value: unknown): value is SchemaObject => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isSchema = (value: unknown): value is Schema => typeof value === 'boolean' || isObject(value);

const types: readonly string[] = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
const isType = (value: unknown) => types.includes(value as string);
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown) => typeof value === 'string';
const listOf = (fits: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(fits);
const tableOf = (fits: (value: unknown) => boolean) => (value: unknown) => isObject(value) && Object.values(value).every(fits);

interface Keyword {
  readonly fits: (value: unknown) => boolean;
  readonly what: string;
  /** Type of value to which the keyword applies; a schema with the keyword but without `type` is taken to mean this type. */
  readonly of?: Type;
}

const count = (of: Type): Keyword => ({ fits: isCount, what: 'a whole number from 0', of });
const bound: Keyword = { fits: Number.isFinite, what: 'a number', of: 'number' };
const schemas: Keyword = { fits: (value) => listOf(isSchema)(value) && (value as []).length > 0, what: 'a list of schemas' };

const keywords: Readonly<Record<string, Keyword>> = {
  type: {
    fits: (value) => isType(value) || (listOf(isType)(value) && (value as []).length > 0),
    what: `one or several of ${types.join(', ')}`,
  },
  enum: { fits: (value) => Array.isArray(value) && value.length > 0, what: 'a list of values' },
  const: { fits: () => true, what: 'a value' },
  anyOf: schemas,
  oneOf: schemas,
  allOf: schemas,
  $ref: { fits: isText, what: 'a text' },
  properties: { fits: tableOf(isSchema), what: 'a table of schemas', of: 'object' },
  required: { fits: listOf(isText), what: 'a list of names', of: 'object' },
  additionalProperties: { fits: isSchema, what: 'a schema', of: 'object' },
  items: { fits: isSchema, what: 'a schema; a list of them is called prefixItems', of: 'array' },
  prefixItems: { ...schemas, of: 'array' },
  minItems: count('array'),
  maxItems: count('array'),
  minLength: count('string'),
  maxLength: count('string'),
  pattern: { fits: isText, what: 'a regular expression', of: 'string' },
  format: { fits: isText, what: `one of ${Object.keys(formats).join(', ')}`, of: 'string' },
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
};

/** Annotations, which do not restrict values. */
const annotations: readonly string[] = [
  ...['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', 'discriminator'],
  ...['$schema', '$id', '$comment', '$defs', 'definitions', '$anchor', 'contentMediaType', 'contentEncoding'],
];

/** Unsupported keywords that change nothing where they have these values. */
const idle: Readonly<Record<string, unknown>> = { uniqueItems: false, minProperties: 0, nullable: false };

/** Keywords of a schema that constrain values. Throws UNSUPPORTED for keywords that heed does not have, ARGUMENT for invalid values. */
export function saying(schema: SchemaObject, path: string): SchemaObject {
  const found: [string, unknown][] = [];
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || annotations.includes(name) || name.startsWith('x-') || (name in idle && idle[name] === value)) continue;
    const keyword = Object.hasOwn(keywords, name) ? keywords[name] : undefined;
    if (!keyword)
      throw new HeedError(
        'UNSUPPORTED',
        `response_format: the schema has ${name.slice(0, 60)} at ${path}, which heed cannot hold an answer to`,
        {
          culprit: `${path}/${name.slice(0, 60)}`,
          cure: 'Leave it out, and check the answer for it',
        },
      );
    if (!keyword.fits(value)) throw wrongAt(`${path}/${name}`, `is ${kindOf(value)}`, `It is ${keyword.what}`);
    found.push([name, value]);
  }
  return Object.fromEntries(found);
}

/** The types that keywords speak of. */
export const typesSpokenOf = (schema: SchemaObject): Type[] => Object.keys(schema).flatMap((name) => keywords[name]?.of ?? []);

export const wrongAt = (path: string, what: string, cure: string): HeedError =>
  new HeedError('ARGUMENT', `response_format: the schema's ${path} ${what}`, { culprit: path, cure });
