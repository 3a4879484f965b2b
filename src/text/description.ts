/**
 * One description of a tokenizer from all the files of a folder. Its class, tokenizer_config.json and the older files
 * beside it take precedence over tokenizer.json: for special tokens, for added tokens,
 * and for how a text is normalized, split and decoded. The rules, and their order, are those of transformers 5.24,
 * tokenization_utils_tokenizers.py. The result has the form of a tokenizer.json.
 */
import { HeedError } from '../errors.js';
import { isObject, JsonNode, type JsonObject } from '../io/json.js';
import { addedTokensOf } from './added_tokens.js';
import { AddedVocabulary, type Ids } from './added_vocabulary.js';
import { type Around, type ClassOptions, contentOf, type Given, type Role, type Token, type TokenizerClass } from './classes/class.js';
import { bert } from './classes/encoders.js';
import { classOf, nameToGive } from './classes/names.js';
import type { Side } from './encoding.js';
import type { TokenizerFiles } from './files.js';
import { type Settings, settingsOf } from './settings.js';
import { Table } from './vocabulary.js';
import { fromVocabulary } from './vocabulary_files.js';

export interface Description {
  /** Description in the form of a tokenizer.json. */
  readonly root: JsonNode;
  readonly tokens: ReadonlyMap<Role, string>;
  readonly sides: { readonly padding: Side; readonly truncation: Side };
  /** tokenizer_config.json, with what older files put into it. */
  readonly config: JsonNode;
  /** Class that tokenizer_config.json has to name where config.json is not beside it; undefined where tokenizer_config.json names one. */
  className(): string | undefined;
}

/** `locate` gives files their names in errors. */
export function descriptionOf(files: TokenizerFiles, locate: (file: string) => string): Description {
  const { name, value } = files.tokenizer === undefined ? fromVocabulary(files) : { name: 'tokenizer.json', value: files.tokenizer };
  const file = JsonNode.of(locate(name), value);
  const words = said(files, file, locate);
  const kind = kindOf(words, name, locate);
  const settings = settingsOf(files, file, locate);
  const tokens = settings.roles(kind, file);
  const named = settings.named(kind);
  const padding = sideOf(settings.node, 'padding', file, kind.padsLeft ? 'left' : 'right');
  const options = optionsOf(settings, file, tokens, padding);
  const parts = kind.parts?.(options);
  const specials = [...tokens.values(), ...named.values()];
  const vocabulary = addedVocabulary(file, settings, specials, extrasOf(settings, kind, options), kind, parts !== undefined);
  const resolve = (word: string) => {
    const token = tokens.get(word as Role) ?? named.get(word) ?? word;
    return vocabulary.idOf(contentOf(token)) ?? vocabulary.idOf(contentOf(tokens.get('unk') ?? ''));
  };
  const root = {
    ...(parts ? { ...parts, model: { ...vocabularyIn(file, parts.model), ...parts.model } } : file.value),
    added_tokens: vocabulary.tokens,
    post_processor: postProcessor(kind, options, tokens, resolve, file, name === 'tokenizer.json'),
  };
  return {
    root: JsonNode.of(file.file, root),
    tokens: new Map([...tokens].map(([role, token]) => [role, contentOf(token)])),
    sides: {
      padding,
      truncation: sideOf(settings.node, 'truncation', file, 'right'),
    },
    config: settings.node,
    className: () => nameToGive(kind === asTheFile ? undefined : kind, words),
  };
}

/** A class without parts of its own: tokenizer.json's stand. */
const asTheFile: TokenizerClass = { roles: {} };

/** Settings of the tokenizer class in the files. */
function said(files: TokenizerFiles, file: JsonNode, locate: (file: string) => string): Parameters<typeof classOf> {
  const { model: _, added_tokens: __, ...parts } = file.value;
  const [model, config] = [
    JsonNode.of(locate('config.json'), files.model ?? {}),
    JsonNode.of(locate('tokenizer_config.json'), files.config ?? {}),
  ];
  return [model, config, JSON.stringify(parts).includes('"ByteLevel"')];
}

function kindOf(words: Parameters<typeof classOf>, name: string, locate: (file: string) => string): TokenizerClass {
  const kind = classOf(...words);
  if (name === 'tokenizer.json') return kind ?? asTheFile;
  // A vocabulary alone says nothing of how texts are cut: its class does, or it is BERT's, as vocab.txt has long been.
  const own = kind ?? (name === 'vocab.txt' && words[1].get('tokenizer_class') === undefined ? bert : undefined);
  if (own?.parts) return own;
  throw new HeedError(
    'NOT_FOUND',
    `${locate('tokenizer.json')} is not there, and ${name} is no vocabulary of a tokenizer that heed knows`,
    {
      culprit: 'tokenizer.json',
      cure: "Write tokenizer.json with Hugging Face's transformers, or name the tokenizer_class in tokenizer_config.json",
    },
  );
}

function optionsOf({ node }: Settings, file: JsonNode, tokens: ReadonlyMap<Role, Given>, side: Side): ClassOptions {
  const normalizer = file.get('normalizer');
  const steps = isObject(normalizer) ? (normalizer.type === 'Sequence' ? normalizer.normalizers : [normalizer]) : [];
  const table = [steps].flat().find((step) => isObject(step) && step.type === 'Precompiled' && step.precompiled_charsmap !== undefined);
  return {
    flag: (name, absent) => node.boolean(name, absent),
    get: (name) => node.get(name),
    string: (name, absent) => node.string(name, absent),
    token: (role) => contentOf(tokens.get(role) ?? 'None'),
    side,
    vocab: isObject(file.get('model')) ? file.object('model').get('vocab') : undefined,
    charsmap: table as JsonObject | undefined,
  };
}

/** Special tokens that have neither a role nor a name. */
function extrasOf(settings: Settings, kind: TokenizerClass, options: ClassOptions): readonly Given[] {
  const extras = isObject(settings.node.get('extra_special_tokens')) ? undefined : settings.tokens('extra_special_tokens');
  const older = settings.tokens('additional_special_tokens');
  return extras ?? kind.extras?.(older, options) ?? older ?? [];
}

/** Added tokens: tokenizer.json's own unless the class rebuilds them, then those of the other files, then special tokens that are in neither. */
function addedVocabulary(
  file: JsonNode,
  settings: Settings,
  specials: readonly Given[],
  extras: readonly Given[],
  kind: TokenizerClass,
  anew: boolean,
): AddedVocabulary {
  const asToken = (token: Given): Token => (typeof token === 'string' ? { content: token, special: true } : token);
  const contents = new Set(specials.map(contentOf));
  const withRole = (token: Token): Token => (contents.has(token.content) ? { ...token, special: true } : token);
  const own = anew ? [] : addedTokensOf(file);
  const known = new Set([...own, ...settings.added].map(contentOf));
  const missing = [...specials, ...extras].filter((token) => !known.has(contentOf(token)));
  const again = kind.again ? [...specials, ...extras] : [];
  const all = [...settings.added, ...missing.map(asToken)].map(withRole);
  const vocabulary = new AddedVocabulary(idsOf(file, [...all, ...again].map(contentOf)), own);
  for (const token of all) vocabulary.add(token);
  for (const token of again) vocabulary.add(kind.again === 'plain' ? asToken(contentOf(token)) : { ...asToken(token), special: true });
  return vocabulary;
}

/** Ids of the model's own vocabulary; of one in a list, where a map of all would take long, those of `wanted` are looked up at once. */
function idsOf(file: JsonNode, wanted: readonly string[]): Ids {
  const vocab = file.object('model').get('vocab');
  if (vocab instanceof Table) return vocab;
  if (!Array.isArray(vocab)) {
    const own = isObject(vocab) ? vocab : {};
    const idOf = (token: string) => (Object.hasOwn(own, token) && typeof own[token] === 'number' ? (own[token] as number) : undefined);
    return { idOf, size: Object.keys(own).length };
  }
  const words = new Set(wanted);
  const ids = new Map<string, number>();
  for (const [id, entry] of vocab.entries()) if (words.has(entry?.[0])) ids.set(entry[0], id);
  const idOf = (token: string) => {
    if (!words.has(token)) for (const [id, entry] of vocab.entries()) if (entry?.[0] === token) return id;
    return ids.get(token);
  };
  return { idOf, size: vocab.length };
}

/** Vocabulary and merges as the class's model has them. */
function vocabularyIn(file: JsonNode, { type }: JsonObject): JsonObject {
  const { vocab, merges = [] } = file.object('model').value;
  if (type === 'Unigram') return { vocab };
  const own = Array.isArray(vocab) ? Object.fromEntries(vocab.map((entry, id) => [Array.isArray(entry) ? entry[0] : entry, id])) : vocab;
  return type === 'BPE' ? { vocab: own, merges } : { vocab: own };
}

/** The class's template, or tokenizer.json's. */
function postProcessor(
  kind: TokenizerClass,
  options: ClassOptions,
  tokens: ReadonlyMap<Role, Given>,
  resolve: (word: string) => number | undefined,
  file: JsonNode,
  isWhole: boolean,
): JsonObject | undefined {
  const own = file.get('post_processor') as JsonObject | undefined;
  const counts = kind.aroundWhere === undefined || (kind.aroundWhere === 'present') === (own !== undefined);
  if (typeof kind.around === 'function' && counts) return template(kind.around(options), resolve, file);
  // tokenizer.json's own template is thought to have them already.
  const adds = (role: 'bos' | 'eos', absent: boolean) => (isWhole ? absent : options.flag(`add_${role}_token`, absent)) && tokens.has(role);
  const [bos, eos] = [adds('bos', kind.addsBos ?? false), adds('eos', false)];
  if (own !== undefined && kind.around !== 'plain' && !kind.addsBos) return own;
  if (!bos && !eos) return undefined;
  const around = (text: string, type: string) => [bos && `bos${type}`, text, eos && `eos${type}`].filter(Boolean).join(' ');
  const single = around('$A', '');
  return template({ single, pair: `${single} ${around('$B:1', ':1')}` }, resolve, file);
}

function template({ single, pair, trims }: Around, resolve: (word: string) => number | undefined, file: JsonNode): JsonObject {
  const special_tokens: Record<string, object> = {};
  const slots = (words: string) =>
    words.split(' ').map((word) => {
      const [, id = word, type] = /^(.+):(\d)$/.exec(word) ?? [];
      const type_id = Number(type ?? 0);
      if (id.startsWith('$')) return { Sequence: { id: id.slice(1), type_id } };
      const own = id.startsWith('#') ? Number(id.slice(1)) : resolve(id);
      if (own === undefined) throw file.error(`has no token for ${JSON.stringify(id)}, which its class puts around a text`);
      special_tokens[id] = { id, ids: [own], tokens: [id] };
      return { SpecialToken: { id, type_id } };
    });
  const processor = { type: 'TemplateProcessing', single: slots(single), pair: slots(pair), special_tokens };
  return trims ? { type: 'Sequence', processors: [{ type: 'ByteLevel', ...trims }, processor] } : processor;
}

/** The setting, else what tokenizer.json's own padding or truncation does, else the class's. */
function sideOf(config: JsonNode, what: 'padding' | 'truncation', file: JsonNode, absent: Side): Side {
  const own = isObject(file.get(what)) ? file.object(what).string('direction', undefined)?.toLowerCase() : undefined;
  const side = config.string(`${what}_side`, own ?? absent);
  if (side === 'left' || side === 'right') return side;
  throw config.error(`must have left or right for ${what}_side`);
}
