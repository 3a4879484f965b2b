/**
 * Parts of schemas: references and allOf are resolved into plain schemas, alternatives into lists. The types, values and members of alternatives show whether one value can fit
 * two of them, which `oneOf` forbids.
 */
import { HeedError } from '../../errors.js';
import type { Expressions } from './expression.js';
import { isObject, isSchema, type Schema, type SchemaObject, saying, wrongAt } from './schema_words.js';

export const DEPTH = 100;

/** Schemas of which one must hold. */
interface Union {
  readonly name: string;
  readonly branches: readonly Schema[];
}

/** Facts about a schema's values: their types, the listed values, and the listed values of required members. */
interface Facts {
  readonly types: readonly string[] | undefined;
  readonly values: readonly string[] | undefined;
  readonly tags: ReadonlyMap<string, readonly string[]>;
}

export class SchemaParts {
  #depth = 0;

  constructor(
    readonly make: Expressions,
    readonly root: Schema,
  ) {}

  /** Plain schemas of a list, without references and allOf, and its alternatives. `open`: references on the way here. */
  of(list: readonly Schema[], path: string, open: readonly string[] = []): { plain: Schema[]; unions: Union[] } {
    const plain: Schema[] = [];
    const unions: Union[] = [];
    const join = (more: readonly Schema[], where: string, names = open) => {
      const parts = this.of(more, where, names);
      plain.push(...parts.plain);
      unions.push(...parts.unions);
    };
    for (const schema of list) {
      this.make.spend(1);
      if (!isObject(schema)) {
        if (schema === false) plain.push(false);
        continue;
      }
      const { $ref, allOf, anyOf, oneOf, ...own } = saying(schema, path);
      if (Object.keys(own).length) plain.push(own);
      if ($ref !== undefined) {
        if (open.length > DEPTH || open.includes($ref as string))
          throw wrongAt($ref as string, 'refers to itself, with nothing between', 'Say what it holds');
        join([this.#target($ref as string, path)], $ref as string, [...open, $ref as string]);
      }
      if (allOf) {
        if (++this.#depth > DEPTH) throw wrongAt(path.slice(0, 200), `is nested more than ${DEPTH} deep`, 'Make it flatter');
        join(allOf as Schema[], `${path}/allOf`);
        this.#depth--;
      }
      if (anyOf) unions.push({ name: 'anyOf', branches: anyOf as Schema[] });
      if (oneOf) unions.push({ name: 'oneOf', branches: oneOf as Schema[] });
    }
    return { plain, unions };
  }

  /** The schema that a reference names: a place in the root schema. */
  #target(reference: string, path: string): Schema {
    if (reference !== '#' && !reference.startsWith('#/'))
      throw new HeedError(
        'UNSUPPORTED',
        `response_format: ${path} refers to ${reference.slice(0, 60)}, which is not a place in the schema`,
        {
          culprit: `${path}/$ref`,
          cure: 'Put what it refers to under $defs, and refer to #/$defs/name',
        },
      );
    let found: unknown = this.root;
    for (const step of reference.split('/').slice(1)) {
      const name = decoded(step);
      found = (isObject(found) || Array.isArray(found)) && Object.hasOwn(found, name) ? (found as SchemaObject)[name] : undefined;
    }
    if (isSchema(found)) return found;
    throw wrongAt(`${path}/$ref`, `refers to ${reference.slice(0, 60)}, where no schema is`, 'It is #, or #/ and a path');
  }

  /** Values that fit several of oneOf's are none; that there is none must be seen. */
  checkApart(branches: readonly Schema[], path: string): void {
    const facts = branches.map((branch) => this.#facts([branch], path));
    for (const [i, a] of facts.entries())
      for (const b of facts.slice(0, i)) {
        this.make.spend(1);
        const differs = [...a.tags].some(([name, values]) => disjoint(values, b.tags.get(name)));
        if (!disjoint(a.types, b.types) && !disjoint(a.values, b.values) && !differs)
          throw new HeedError('UNSUPPORTED', `response_format: a value may fit several of ${path}, and heed cannot see that none does`, {
            culprit: path,
            cure: 'Write anyOf, or give each another type, or a required property with another const',
          });
      }
  }

  /** Facts that distinguish values of a schema from those of another; undefined where the schema has none. */
  #facts(list: readonly Schema[], path: string): Facts {
    const plain = this.of(list, path).plain.filter(isObject);
    const listed = (all: readonly SchemaObject[]) =>
      all
        .map(valuesOf)
        .find(Boolean)
        ?.map((value) => JSON.stringify(value));
    const required = new Set(plain.flatMap((schema) => (schema.required as string[] | undefined) ?? []));
    const tags = plain.flatMap(({ properties }) =>
      Object.entries((properties as Record<string, Schema> | undefined) ?? {}).flatMap(([name, schema]) => {
        const values = required.has(name) ? listed(this.of([schema], path).plain.filter(isObject)) : undefined;
        return values ? [[name, values] as const] : [];
      }),
    );
    const types = intersection(plain.flatMap(({ type }) => (type === undefined ? [] : [typesOf(type)])));
    return { types: types && [...types], values: listed(plain), tags: new Map(tags) };
  }
}

export const valuesOf = (schema: SchemaObject): readonly unknown[] | undefined => {
  if (schema.enum === undefined) return Object.hasOwn(schema, 'const') ? [schema.const] : undefined;
  const values = schema.enum as unknown[];
  return Object.hasOwn(schema, 'const') ? values.filter((value) => JSON.stringify(value) === JSON.stringify(schema.const)) : values;
};

/** Integers are numbers. */
export const typesOf = (type: unknown): string[] => {
  const given = (Array.isArray(type) ? type : [type]) as string[];
  return given.includes('number') ? given.filter((one) => one !== 'integer') : given;
};

/** Elements that all lists share; the intersection of integer and number is integer. undefined: there is no list. */
export function intersection(lists: readonly (readonly string[])[]): Set<string> | undefined {
  if (!lists.length) return undefined;
  return new Set(
    lists.reduce((a, b) => [
      ...a.filter((one) => b.includes(one) || (one === 'integer' && b.includes('number'))),
      ...b.filter((one) => one === 'integer' && a.includes('number')),
    ]),
  );
}

function disjoint(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (!a || !b) return false;
  const all = new Set(b);
  return !a.some((one) => all.has(one) || (one === 'integer' && all.has('number')) || (one === 'number' && all.has('integer')));
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}
