/** JSON Schema as its specification says it, of what tests use: nothing here is heed's. */

interface Keywords {
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  allOf?: readonly Schema[];
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: Schema;
  prefixItems?: readonly Schema[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}
export type Schema = boolean | Keywords;

const types: Record<string, (value: unknown) => boolean> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  string: (value) => typeof value === 'string',
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

const same = (a: unknown, b: unknown): boolean => {
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b || Array.isArray(a) !== Array.isArray(b)) return a === b;
  const [own, other] = [Object.entries(a), new Map(Object.entries(b))];
  return own.length === other.size && own.every(([key, value]) => other.has(key) && same(value, other.get(key)));
};

/** What a reference within a schema refers to. */
export const targetOf = (reference: string, root: Schema): Schema =>
  reference
    .split('/')
    .slice(1)
    .reduce((at: unknown, step) => (at as Record<string, unknown>)[step], root) as Schema;

const isDate = (text: string) => {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return (
    year !== undefined && !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day) && date.getUTCMonth() + 1 === Number(month)
  );
};
const isTime = (text: string) => {
  const [, hour, minute, second] = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(text) ?? [];
  return Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
};
const formats: Record<string, (text: string) => boolean> = {
  date: isDate,
  time: isTime,
  'date-time': (text) => isDate(text.slice(0, 10)) && text[10] === 'T' && isTime(text.slice(11)) && !Number.isNaN(Date.parse(text)),
  uuid: (text) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text),
  email: (text) => /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/.test(text) && text.length < 255,
  ipv4: (text) =>
    text.split('.').length === 4 &&
    text.split('.').every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256 && String(Number(part)) === part),
  hostname: (text) => text.length <= 253 && text.split('.').every((part) => /^[a-z\d]([a-z\d-]*[a-z\d])?$/i.test(part) && part.length < 64),
  uri: (text) => URL.canParse(text) && /^[\x21-\x7e]+$/.test(text),
  duration: (text) => /^P(?!$)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)$/.test(text),
};

export function validates(value: unknown, schema: unknown, root = schema): boolean {
  return check(value, schema as Schema, root as Schema);
}

function check(value: unknown, schema: Schema, root: Schema): boolean {
  if (typeof schema === 'boolean') return schema;
  const fits = (own: Schema, of = value) => check(of, own, root);
  const is = (type: string) => types[type]?.(value) ?? false;
  const text = typeof value === 'string' ? value : undefined;
  const characters = text === undefined ? undefined : [...text].length;
  const number = typeof value === 'number' ? value : undefined;
  const items = Array.isArray(value) ? (value as unknown[]) : undefined;
  const members = is('object') ? Object.entries(value as object) : [];
  const names = members.map(([name]) => name);
  const { properties = {}, prefixItems = [] } = schema;
  const whether = <T, By>(of: T | undefined, by: By | undefined, test: (of: T, by: By) => boolean) =>
    of === undefined || by === undefined || test(of, by);
  return [
    whether(schema.type, is, (type) => [type].flat().some(is)),
    whether(schema.enum, same, (all) => all.some((one) => same(one, value))),
    !('const' in schema) || same(schema.const, value),
    whether(schema.anyOf, fits, (all) => all.some((one) => fits(one))),
    whether(schema.oneOf, fits, (all) => all.filter((one) => fits(one)).length === 1),
    whether(schema.allOf, fits, (all) => all.every((one) => fits(one))),
    whether(schema.$ref, root, (reference) => fits(targetOf(reference, root))),
    members.every(([name, own]) =>
      Object.hasOwn(properties, name) ? fits(properties[name] as Schema, own) : fits(schema.additionalProperties ?? true, own),
    ),
    !is('object') || (schema.required ?? []).every((name) => names.includes(name)),
    whether(items, prefixItems, (all, firsts) => firsts.every((one, i) => i >= all.length || fits(one, all[i]))),
    whether(items, schema.items, (all, by) => all.slice(prefixItems.length).every((one) => fits(by, one))),
    whether(items, schema.minItems, (all, by) => all.length >= by),
    whether(items, schema.maxItems, (all, by) => all.length <= by),
    whether(characters, schema.minLength, (count, by) => count >= by),
    whether(characters, schema.maxLength, (count, by) => count <= by),
    whether(text, schema.pattern, (own, by) => new RegExp(by, 'u').test(own)),
    whether(text, schema.format, (own, by) => (formats[by] as (text: string) => boolean)(own)),
    whether(number, schema.minimum, (own, by) => own >= by),
    whether(number, schema.maximum, (own, by) => own <= by),
    whether(number, schema.exclusiveMinimum, (own, by) => own > by),
    whether(number, schema.exclusiveMaximum, (own, by) => own < by),
  ].every(Boolean);
}
