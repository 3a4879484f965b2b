/**
 * JSON schemas as expressions. All schemas that apply to one value, by `allOf`, by a reference with siblings or around alternatives, form one list: the keywords
 * of each for a type are combined there. References become rules, so that a schema may be recursive. A text that fits the expression always fits the schema; where a schema leaves
 * open more than a model should write, such as members with names that it does not list, the expression is narrower.
 */
import { HeedError } from '../../errors.js';
import { inJson } from './characters.js';
import type { Expression, Expressions, Rule } from './expression.js';
import { formats } from './formats.js';
import { Json, type Member, oneOf } from './json.js';
import { type Bound, integerIn, numberIn, partsOf } from './numbers.js';
import { regexIn, regexWithin } from './regex.js';
import { checkRules, endless } from './rules.js';
import { DEPTH, intersection, SchemaParts, typesOf, valuesOf } from './schema_parts.js';
import { isObject, isSchema, type Schema, type SchemaObject, saying, type Type, typesSpokenOf, wrongAt } from './schema_words.js';

const MOST_MEMBERS = 500;
/** Characters of a schema that count as a step. */
const CHARACTERS = 4;

/** Counts a schema's characters as work. An object that stands in many places, or within itself, counts once. */
function spendOn(make: Expressions, schema: unknown): void {
  const all = new Set([schema]);
  for (const part of all)
    if (typeof part === 'object' && part !== null)
      for (const [name, value] of Object.entries(part)) {
        make.spend((name.length + (typeof value === 'string' ? value.length : 1)) / CHARACTERS);
        if (typeof value === 'object') all.add(value);
      }
}

/** Expression of the values that fit a schema. Throws UNSUPPORTED for keywords that heed does not support, ARGUMENT for schemas that no value fits. */
export function schemaIn(make: Expressions, schema: unknown, whitespace = true): Expression {
  if (!isSchema(schema)) throw wrongAt('#', 'is no schema', 'Give an object: { type: "object", properties: { … } }');
  // A long schema takes work before the first expression is made.
  spendOn(make, schema);
  const compile = (without: ReadonlySet<string>) => {
    const compiler = new Compiler(make, schema, whitespace, without);
    return { start: compiler.of([schema], '#'), compiler };
  };
  const first = compile(new Set());
  checkRules(first.compiler.rules);
  // Values that never end are left out.
  const without = endless(make, first.compiler.rules);
  const { start, compiler } = without.size ? compile(without) : first;
  if (start === make.nothing) throw wrongAt(compiler.impossible ?? '#', 'fits no value that has an end', 'Does it contradict itself?');
  return start;
}

class Compiler {
  readonly rules = new Map<string, Rule>();
  readonly #json: Json;
  readonly #parts: SchemaParts;
  #depth = 0;
  /** The first place where nothing fits. */
  impossible: string | undefined;

  constructor(
    readonly make: Expressions,
    root: Schema,
    whitespace: boolean,
    /** Rules that have no end. */
    readonly without: ReadonlySet<string>,
  ) {
    this.#json = Json.of(make, whitespace);
    this.#parts = new SchemaParts(make, root);
  }

  /** Expression of the values that fit all schemas of a list. */
  of(list: readonly Schema[], path: string): Expression {
    if (++this.#depth > DEPTH) throw wrongAt(path.slice(0, 200), `is nested more than ${DEPTH} deep`, 'Make it flatter, or refer to $defs');
    this.make.spend(4 + list.length);
    const said = list.filter((schema) => schema !== true).map((schema) => (isObject(schema) ? saying(schema, path) : schema));
    const own = said.filter((schema) => schema === false || Object.keys(schema).length > 0);
    const refers = own.some((schema) => isObject(schema) && schema.$ref !== undefined);
    const found = own.length === 0 ? this.#json.any() : refers ? this.#referring(own, path) : this.#unfolded(own, path);
    if (found === this.make.nothing && !own.includes(false)) this.impossible ??= path;
    this.#depth--;
    return found;
  }

  /** Expression of a rule for a list of schemas, so that the list may occur within itself. */
  #referring(list: readonly Schema[], path: string): Expression {
    const key = JSON.stringify(list);
    if (this.without.has(key)) return this.make.nothing;
    const known = this.rules.get(key);
    if (known) return this.make.of(known);
    const rule = this.make.rule(list.length === 1 ? ((list[0] as SchemaObject).$ref as string) : path);
    this.rules.set(key, rule);
    rule.body = this.#unfolded(list, path);
    return this.make.of(rule);
  }

  /** Takes references and allOf apart, then alternatives. */
  #unfolded(list: readonly Schema[], path: string): Expression {
    const { plain, unions } = this.#parts.of(list, path);
    if (plain.includes(false)) return this.make.nothing;
    const [union, ...others] = unions;
    if (!union) return this.#together(plain as SchemaObject[], path);
    if (union.name === 'oneOf') this.#parts.checkApart(union.branches, `${path}/oneOf`);
    const rest: Schema[] = [...plain, ...others.map(({ name, branches }) => ({ [name]: branches }))];
    return this.make.choice(...union.branches.map((branch, i) => this.of([...rest, branch], `${path}/${union.name}/${i}`)));
  }

  /** Expression of schemas without references, allOf and alternatives. */
  #together(plain: readonly SchemaObject[], path: string): Expression {
    const { make } = this;
    const given = intersection(plain.flatMap(({ type }) => (type === undefined ? [] : [typesOf(type)])));
    const spoken = plain.flatMap(typesSpokenOf);
    const listed = plain.map(valuesOf).filter((values) => values !== undefined);
    if (listed.length) return this.#listed(listed, given, plain, path);
    const types = given ?? new Set<string>(spoken);
    const of: Readonly<Record<Type, () => Expression>> = {
      null: () => make.text('null'),
      boolean: () => make.choice(make.text('true'), make.text('false')),
      object: () => this.#object(plain, path),
      array: () => this.#array(plain, path),
      string: () => this.#string(plain, path),
      number: () => this.#number(plain, path, numberIn),
      integer: () => this.#number(plain, path, integerIn),
    };
    return make.choice(...[...types].map((type) => of[type as Type]()));
  }

  /** Values that every list has and whose types are allowed, as far as they fit the other keywords. */
  #listed(
    lists: readonly (readonly unknown[])[],
    types: Set<string> | undefined,
    plain: readonly SchemaObject[],
    path: string,
  ): Expression {
    const [first = [], ...others] = lists;
    const also = others.map((values) => new Set(values.map((value) => JSON.stringify(value))));
    const rest = plain.map(({ enum: _, const: __, type: ___, ...own }) => own).filter((own) => Object.keys(own).length > 0);
    const found = first.map((value): string | Expression => {
      const type = typeOf(value);
      const written = JSON.stringify(value);
      this.make.spend(1);
      const isOf = !types || types.has(type) || (type === 'integer' && types.has('number'));
      if (!isOf || !also.every((other) => other.has(written))) return this.make.nothing;
      if (type === 'object' || type === 'array') return this.#together([...rest, alone(value as object)], path);
      const said = rest.filter((own) =>
        typesSpokenOf(own).some((spoken) => spoken === type || (spoken === 'number' && type === 'integer')),
      );
      if (!said.length) return written;
      const expression = this.#together([...said, { type }], path);
      return fits(this.make, expression, written) ? written : this.make.nothing;
    });
    const texts = found.filter((one) => typeof one === 'string');
    return this.make.choice(oneOf(this.make, texts), ...found.filter((one) => typeof one !== 'string'));
  }

  #object(plain: readonly SchemaObject[], path: string): Expression {
    const tables = plain.map(({ properties }) => properties as Readonly<Record<string, Schema>> | undefined);
    const required = new Set(plain.flatMap((schema) => (schema.required as string[] | undefined) ?? []));
    const names = [...new Set([...tables.flatMap((table) => Object.keys(table ?? {})), ...required])];
    if (names.length > MOST_MEMBERS) throw wrongAt(path, `has ${names.length} properties`, `It may have ${MOST_MEMBERS}`);
    const additional = plain.flatMap(({ additionalProperties }) =>
      additionalProperties === undefined ? [] : [additionalProperties as Schema],
    );
    const members = names.map((name): Member => {
      const own = plain.flatMap((schema, i): Schema[] => {
        const table = tables[i];
        if (table && Object.hasOwn(table, name)) return [table[name] as Schema];
        return schema.additionalProperties === undefined ? [] : [schema.additionalProperties as Schema];
      });
      return {
        name,
        value: this.of(own, `${path}/properties/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
        required: required.has(name),
      };
    });
    const closed = tables.some(Boolean) || required.size > 0;
    const other = additional.length ? this.of(additional, `${path}/additionalProperties`) : closed ? this.make.nothing : this.#json.any();
    return this.#json.object(members, other);
  }

  #array(plain: readonly SchemaObject[], path: string): Expression {
    const firsts = plain.map(({ prefixItems }) => (prefixItems as readonly Schema[] | undefined) ?? []);
    const count = Math.max(0, ...firsts.map(({ length }) => length));
    const itemsOf = (schema: SchemaObject) => (schema.items === undefined ? [] : [schema.items as Schema]);
    const first = Array.from({ length: count }, (_, i) => {
      const own = plain.flatMap((schema, s) => (i < (firsts[s]?.length ?? 0) ? [firsts[s]?.[i] as Schema] : itemsOf(schema)));
      return this.of(own, `${path}/prefixItems/${i}`);
    });
    const others = plain.flatMap(itemsOf);
    const [min, max] = [largest(plain, 'minItems', 0), smallest(plain, 'maxItems')];
    const closed = count > 0 && min <= count;
    const more = others.length ? this.of(others, `${path}/items`) : closed ? this.make.nothing : this.#json.any();
    return this.#json.array(first, more, min, max);
  }

  #string(plain: readonly SchemaObject[], path: string): Expression {
    const { make } = this;
    const [min, max] = [largest(plain, 'minLength', 0), smallest(plain, 'maxLength')];
    const patterns = plain.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern as string]));
    const named = plain.flatMap(({ format }) => (format === undefined ? [] : [format as string]));
    if (!patterns.length && !named.length) return this.#json.string(min, max);
    const sources = named.map((name) => {
      const source = Object.hasOwn(formats, name) ? formats[name] : undefined;
      if (source !== undefined) return source;
      throw new HeedError(
        'UNSUPPORTED',
        `response_format: the schema has the format ${name.slice(0, 60)} at ${path}, which heed cannot hold an answer to`,
        {
          culprit: `${path}/format`,
          cure: `It has ${Object.keys(formats).join(', ')}; give a pattern`,
        },
      );
    });
    const bounded = min > 0 || max < Number.POSITIVE_INFINITY ? [make.repeat(this.#json.written, min, max)] : [];
    return this.#json.quoted(
      make.all(
        ...sources.map((source) => regexIn(make, source, `${path}/format`, inJson)),
        ...patterns.map((source) => regexWithin(make, source, `${path}/pattern`, inJson)),
        ...bounded,
      ),
    );
  }

  #number(plain: readonly SchemaObject[], path: string, numbers: typeof numberIn): Expression {
    const bounds = (names: readonly [string, string], sign: number): Bound | undefined =>
      plain
        .flatMap((schema) =>
          names.flatMap((name, i) => (schema[name] === undefined ? [] : [{ value: schema[name] as number, exclusive: i === 1 }])),
        )
        // The narrowest first.
        .sort((a, b) => sign * (b.value - a.value) || Number(b.exclusive) - Number(a.exclusive))[0];
    const [least, most] = [bounds(['minimum', 'exclusiveMinimum'], 1), bounds(['maximum', 'exclusiveMaximum'], -1)];
    for (const bound of [least, most])
      if (bound && numbers === numberIn && !partsOf(bound.value))
        throw new HeedError('UNSUPPORTED', `response_format: ${path} has the bound ${bound.value}, whose digits are too many to compare`, {
          culprit: path,
          cure: 'Bounds of numbers may have fifteen digits and no exponent',
        });
    return numbers(this.make, { least, most });
  }
}

const largest = (plain: readonly SchemaObject[], name: string, absent: number) =>
  Math.max(absent, ...plain.map((schema) => (schema[name] as number | undefined) ?? absent));
const smallest = (plain: readonly SchemaObject[], name: string) =>
  Math.min(Number.POSITIVE_INFINITY, ...plain.map((schema) => (schema[name] as number | undefined) ?? Number.POSITIVE_INFINITY));

/** Schema that only the given object or list fits. */
function alone(value: object): SchemaObject {
  const only = (inner: unknown): Schema => ({ const: inner });
  if (Array.isArray(value)) return { type: 'array', prefixItems: value.map(only), items: false, minItems: value.length };
  const names = Object.keys(value);
  const properties = Object.fromEntries(Object.entries(value).map(([name, own]) => [name, only(own)]));
  return { type: 'object', properties, required: names, additionalProperties: false };
}

function typeOf(value: unknown): Type {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as Type;
}

/** Returns `true` where a text fits an expression. */
export function fits(make: Expressions, expression: Expression, text: string): boolean {
  let state = expression;
  for (const byte of new TextEncoder().encode(text)) state = make.after(state, byte);
  return state.nullable;
}
