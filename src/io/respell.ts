/**
 * Rewriting of a JSON file: unchanged members are spelt as before. JavaScript has one type of number, other languages distinguish 1.0 from 1, and Hugging Face's
 * transformers refuses a config in which a real number has become a whole one.
 */
import { isObject, type JsonObject } from './json.js';

/** Returns the JSON of an object whose text was `before`; without that, as JSON.stringify has it. */
export function respell(value: JsonObject, before?: string): string {
  const old: unknown = before === undefined ? {} : JSON.parse(before);
  const spelt = before !== undefined && isObject(old) ? spellings(before) : new Map<string, string>();
  const members = Object.entries(value)
    .map(([key, member]) => [key, JSON.stringify(member, null, 2)] as const)
    .filter(([, text]) => text !== undefined)
    .map(([key, text]) => {
      const same = isObject(old) && Object.hasOwn(old, key) && JSON.stringify(old[key], null, 2) === text;
      return `  ${JSON.stringify(key)}: ${(same && spelt.get(key)) || text.replaceAll('\n', '\n  ')}`;
    });
  return members.length ? `{\n${members.join(',\n')}\n}\n` : '{}\n';
}

/** Spellings of the members of an object's JSON. */
function spellings(json: string): Map<string, string> {
  const found = new Map<string, string>();
  let depth = 0;
  let begin = 0;
  let key: string | undefined;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:,]/g)) {
    const closes = token === '}' || token === ']';
    if (depth === 1 && (closes || token === ',')) {
      if (key !== undefined) found.set(key, json.slice(begin, index).trim());
      key = undefined;
    } else if (depth === 1 && token === ':') begin = index + 1;
    else if (depth === 1) key ??= JSON.parse(token);
    if (token === '{' || token === '[') depth++;
    if (closes) depth--;
  }
  return found;
}
