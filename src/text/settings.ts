/**
 * The settings of a tokenizer, from the files beside tokenizer.json: tokenizer_config.json's, with those of older files,
 * and the tokens that these files add. In the order of transformers 5.24, PreTrainedTokenizerBase._from_pretrained.
 */
import { isObject, JsonNode, type JsonObject } from '../io/json.js';
import { addedTokensOf } from './added_tokens.js';
import { contentOf, type Given, type Role, roles, type Token, type TokenizerClass } from './classes/class.js';
import type { TokenizerFiles } from './files.js';

export class Settings {
  constructor(
    /** tokenizer_config.json and what older files put into it. */
    readonly node: JsonNode,
    /** Tokens that the files add, in the order of their ids. */
    readonly added: readonly Token[],
  ) {}

  /** Null counts: it says that there is none. */
  has(key: string): boolean {
    return Object.hasOwn(this.node.value, key);
  }

  /** Tokens in a list; undefined where the key is not there. */
  tokens(key: string): readonly Given[] | undefined {
    return this.has(key) ? this.node.array(key, []).map((value) => tokenOf(value, this.node, key)) : undefined;
  }

  /** The tokens of roles: the files', else the class's. Absent: none. */
  roles(kind: TokenizerClass, file: JsonNode): Map<Role, Given> {
    const byContent = new Map(this.added.map((token) => [token.content, token]));
    const padding = isObject(file.get('padding')) ? file.object('padding') : undefined;
    const all = new Map<Role, Given>();
    for (const role of roles) {
      const key = `${role}_token`;
      const own = this.has(key) ? this.node.get(key) : kind.roles[role];
      const value = own === undefined && role === 'pad' && !this.has(key) ? padding?.string('pad_token', undefined) : own;
      if (value === undefined || value === null) continue;
      const token = tokenOf(value, this.node, key);
      const known = this.has(key) ? byContent.get(contentOf(token)) : undefined;
      const flags = kind.flags?.[role];
      all.set(role, known ?? (typeof token === 'string' && flags ? { content: token, ...flags } : token));
    }
    return all;
  }

  /** Tokens by names of their own, "image_token" for one. */
  named(kind: TokenizerClass): Map<string, Given> {
    const dictionary = this.node.get('extra_special_tokens');
    const specific = this.node.get('model_specific_special_tokens');
    const own = Object.entries(this.node.value).filter(([key, value]) => isNamed(key) && (typeof value === 'string' || isToken(value)));
    const all = { ...kind.named, ...(isObject(specific) && specific), ...Object.fromEntries(own), ...(isObject(dictionary) && dictionary) };
    const special = Object.entries(all).filter(([key]) => !kind.plain?.includes(key));
    return new Map(special.map(([key, value]) => [key, tokenOf(value, this.node, key)]));
  }
}

const isNamed = (key: string) => key.endsWith('_token') && !roles.some((role) => key === `${role}_token`);
const isToken = (value: unknown): value is JsonObject => isObject(value) && typeof value.content === 'string';

/** "[PAD]" or {"content": "[PAD]", …} */
function tokenOf(value: unknown, node: JsonNode, key: string): Given {
  if (typeof value === 'string') return value;
  if (!isToken(value)) throw JsonNode.of(node.file, {}, key).error('must be a token, a string or an object with its content');
  return addedToken(JsonNode.of(node.file, value, key));
}

function addedToken(node: JsonNode): Token {
  const flag = (key: string) => node.boolean(key, undefined);
  const [single_word, lstrip, rstrip] = [flag('single_word'), flag('lstrip'), flag('rstrip')];
  return { content: node.string('content'), special: flag('special'), normalized: flag('normalized'), single_word, lstrip, rstrip };
}

/** Empty and null values do not override older names. */
const isEmpty = (value: unknown) => value === undefined || value === null || Object.keys(Object(value)).length === 0;

/** The files' settings. `file` is tokenizer.json. */
export function settingsOf(files: TokenizerFiles, file: JsonNode, locate: (file: string) => string): Settings {
  const config = JsonNode.of(locate('tokenizer_config.json'), files.config ?? {});
  const { additional_special_tokens, ...rest } = config.value;
  const renames = additional_special_tokens !== undefined && isEmpty(rest.extra_special_tokens);
  const values: Record<string, unknown> = renames ? { ...rest, extra_special_tokens: additional_special_tokens } : { ...config.value };
  const added = new Map<number, Token>();
  const isWhole = Object.hasOwn(config.value, 'added_tokens_decoder');
  if (isWhole) {
    const decoder = config.object('added_tokens_decoder');
    for (const id of Object.keys(decoder.value)) {
      if (!/^\d{1,8}$/.test(id)) throw config.error('added_tokens_decoder must have ids for keys');
      added.set(Number(id), addedToken(decoder.object(id)));
    }
  } else addOlder(values, added, files, file, locate);
  const tokens = [...added].sort(([a], [b]) => a - b).map(([, token]) => token);
  return new Settings(JsonNode.of(config.file, values), tokens);
}

/** special_tokens_map.json and added_tokens.json, from before tokenizer_config.json had an added_tokens_decoder. */
function addOlder(
  values: Record<string, unknown>,
  added: Map<number, Token>,
  files: TokenizerFiles,
  file: JsonNode,
  locate: (file: string) => string,
): void {
  for (const [key, value] of Object.entries(JsonNode.of(locate('special_tokens_map.json'), files.specialTokens ?? {}).value)) {
    const old = values[key];
    if (key === 'extra_special_tokens' && Array.isArray(value)) {
      const known = Array.isArray(old) ? old : [];
      values[key] = [...known, ...value.filter((token) => !known.includes(token)).map(special)];
    } else values[key] = special(value);
  }
  const specials = new Set([...roles.map((role) => values[`${role}_token`]), ...[values.extra_special_tokens ?? []].flat()].map(nameOf));
  const older = JsonNode.of(locate('added_tokens.json'), files.addedTokens ?? {});
  for (const content of Object.keys(older.value)) added.set(older.integer(content, 1 << 24), { content, special: specials.has(content) });
  for (const token of addedTokensOf(file)) added.set(token.id, token);
}

const special = (value: unknown) => (isToken(value) ? { ...value, special: true } : value);
const nameOf = (value: unknown) => (isToken(value) ? value.content : value);
