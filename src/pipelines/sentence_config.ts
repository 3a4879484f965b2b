/**
 * The settings of a sentence-transformers folder for sentence vectors: its modules, and the configs beside them, as versions 2 to 6 write them. Settings that
 * change vectors and that heed does not have are refused by name.
 */
import { HeedError, shown } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { quote } from '../io/header.js';
import { allOf, isObject, JsonNode, readJson } from '../io/json.js';
import { folderIn, type ModuleEntry, modulesOf, transformerIn } from '../io/modules.js';
import type { OpenOptions } from '../runtime/types.js';
import type { SentencePooling } from './pooling.js';
import { moduleKinds } from './sentence_modules.js';
import { type SimilarityName, similarityNames } from './similarity.js';

/** Plain data, which crosses to a page. */
export interface SentenceConfig {
  /** Pooling, or several whose vectors are concatenated; undefined where the folder names none. */
  pooling: SentencePooling | readonly SentencePooling[] | undefined;
  /** `true` where vectors are scaled to length 1 at the end. */
  normalize: boolean;
  /** Number of tokens at which texts are cut, special tokens included. */
  maxTokens: number | undefined;
  /** Maximum numbers of tokens of queries and of documents, where they have limits of their own. */
  taskTokens: {
    /** Maximum number of tokens of a query. */
    query?: number | undefined;
    /** Maximum number of tokens of a document. */
    document?: number | undefined;
  };
  /** `true` where texts are lowercased first. */
  lowercase: boolean;
  /** Prompts that may stand before a text, by name. `query` and `document` are always among them. */
  prompts: Readonly<Record<string, string>>;
  /** The prompt of texts that ask for none. */
  default_prompt_name: string | undefined;
  /** `true` where a prompt's tokens are pooled too. */
  include_prompt: boolean;
  /** Name of the similarity by which the model's vectors are compared. */
  similarity_fn_name: SimilarityName;
  /** Numbers of a vector that are kept, from its beginning. */
  truncate_dim: number | undefined;
  /** Modules behind the pooling, in order. */
  modules: readonly ModuleEntry[];
}

/** A folder that is none of sentence-transformers', which other files of theirs do not make one. */
const plain: SentenceConfig = {
  ...{ pooling: undefined, normalize: false, maxTokens: undefined, taskTokens: {}, lowercase: false },
  ...{ prompts: { query: '', document: '' }, default_prompt_name: undefined, include_prompt: true },
  ...{ similarity_fn_name: 'cosine', truncate_dim: undefined, modules: [] },
};

const unsupported = (file: string, what: string, culprit: string, cure: string) =>
  new HeedError('UNSUPPORTED', `${file} asks for ${what}`, { culprit, cure });

/** The last part of a Python class's name. */
export const kindOfModule = ({ type }: ModuleEntry): string => type.split('.').at(-1) ?? '';

/** Modules that do nothing at inference. */
const idle = ['Dropout'];

/** Returns the folder of the Transformer as soon as it is known, and a promise of the settings of all files, which takes a few more reads. */
export async function describe(folder: Folder, options: OpenOptions): Promise<{ home: Folder; sentence: Promise<SentenceConfig> }> {
  const modules = await modulesOf(folder, options);
  const home = transformerIn(folder, modules);
  return { home, sentence: readSentence(folder, home, modules, options) };
}

async function readSentence(
  folder: Folder,
  home: Folder,
  modules: readonly ModuleEntry[] | undefined,
  options: OpenOptions,
): Promise<SentenceConfig> {
  if (!modules) return plain;
  const [pooling, behind] = partsOf(shown(folder.locate('modules.json')), modules);
  const [limits, own, pools] = await allOf<[JsonNode | undefined, JsonNode | undefined, PoolingWish]>([
    readTransformerConfig(home, options),
    readOptional(folder, 'config_sentence_transformers.json', options),
    readPooling(folder, pooling, options),
  ]);
  const last = behind.at(-1);
  const normalize = last !== undefined && kindOfModule(last) === 'Normalize';
  return { ...plain, ...limitsIn(limits), ...(own && wishesIn(own)), ...pools, normalize, modules: behind };
}

/** A Transformer's Pooling, and what comes behind. Throws UNSUPPORTED for what else there is, and for another order. */
function partsOf(file: string, modules: readonly ModuleEntry[]): [pooling: ModuleEntry | undefined, behind: readonly ModuleEntry[]] {
  const [first, ...rest] = modules.filter((module) => !idle.includes(kindOfModule(module)));
  const is = (kind: string) => (module: ModuleEntry | undefined) => module !== undefined && kindOfModule(module) === kind;
  const [pooling, behind] = is('Pooling')(rest[0]) ? [rest[0], rest.slice(1)] : [undefined, rest];
  const foreign = modules.find(({ type }) => !type.startsWith('sentence_transformers.'));
  if (foreign)
    throw unsupported(file, `a module ${quote(foreign.type)}`, kindOfModule(foreign) || file, 'heed runs none of a model’s own code');
  const normalizes = is('Normalize');
  const strange = is('Transformer')(first)
    ? behind.find((module) => !(normalizes(module) || (pooling && moduleKinds().includes(kindOfModule(module)))))
    : first;
  if (!first || strange)
    throw unsupported(
      file,
      `a module ${quote(strange ? kindOfModule(strange) : '')} there`,
      (strange && kindOfModule(strange)) || file,
      `heed has Transformer, Pooling, and behind them Normalize, ${[...idle, ...moduleKinds()].join(', ')}`,
    );
  return [pooling, behind];
}

const readOptional = async (folder: Folder, file: string, options: OpenOptions): Promise<JsonNode | undefined> => {
  const json = await readJson(folder, file, { ...options, optional: true });
  return json === undefined ? undefined : JsonNode.of(folder.locate(file), json);
};

/** The Transformer's config, by one of the names that it has had; an empty one is none. */
async function readTransformerConfig(home: Folder, options: OpenOptions): Promise<JsonNode | undefined> {
  for (const kind of ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet']) {
    const found = await readOptional(home, `sentence_${kind}_config.json`, options);
    if (found && Object.keys(found.value).length) return found;
  }
  return undefined;
}

/** Arguments of a Transformer's parts that change no vector. */
const harmless =
  /^((torch_)?dtype|attn_implementation|trust_remote_code|device_map|use_(safetensors|fast|cache)|local_files_only|revision|token|subfolder|cache_dir|add_pooling_layer|padding_side|output_(hidden_states|attentions)|return_dict)$/;

/** Checks of other settings, where they are given. */
const expected: Readonly<Record<string, (value: unknown) => boolean>> = {
  transformer_task: (value) => value === 'feature-extraction',
  module_output_name: (value) => value === 'token_embeddings',
  modality_config: (value) =>
    isObject(value) && !('message' in value) && isObject(value.text) && String(value.text.method_output_name) === 'last_hidden_state',
  query_expansion: () => false,
};

/** Settings of sentence_bert_config.json. Throws UNSUPPORTED for settings that heed does not support. */
function limitsIn(node: JsonNode | undefined): Pick<SentenceConfig, 'maxTokens' | 'taskTokens' | 'lowercase'> {
  if (!node) return plain;
  const length = (from: JsonNode, key: string) => from.integer(key, 1 << 24, undefined);
  const refuse = (key: string, value: unknown) =>
    unsupported(
      node.file,
      `${key} ${JSON.stringify(value)?.slice(0, 200)}`,
      key,
      'heed has the last states of texts’ tokens, as config.json and tokenizer_config.json have them',
    );
  let maxTokens = length(node, 'max_seq_length');
  for (const [key, value] of Object.entries(node.value)) {
    if (value === null) continue;
    if (Object.hasOwn(expected, key) && !expected[key]?.(value)) throw refuse(key, value);
    if (!/_(kwargs|args)$/.test(key) || !isObject(value)) continue;
    const given = key === 'processing_kwargs' ? Object.values(value).filter(isObject) : [value];
    for (const [name, argument] of given.flatMap((one) => Object.entries(one))) {
      if (/^(model_)?max_length$/.test(name)) maxTokens = length(new JsonNode(node.file, key, { [name]: argument }), name);
      else if (argument !== null && !harmless.test(name)) throw refuse(name, argument);
    }
  }
  const lowercase = node.boolean('do_lower_case', false);
  return { maxTokens, lowercase, taskTokens: { query: length(node, 'query_length'), document: length(node, 'document_length') } };
}

/** Settings of config_sentence_transformers.json. */
function wishesIn(node: JsonNode): Pick<SentenceConfig, 'prompts' | 'default_prompt_name' | 'similarity_fn_name' | 'truncate_dim'> {
  const type = node.string('model_type', 'SentenceTransformer');
  if (type !== 'SentenceTransformer') throw unsupported(node.file, `a ${quote(type)}`, 'model_type', 'heed has SentenceTransformer');
  const given = node.get('prompts') === undefined ? undefined : node.object('prompts');
  const prompts = Object.keys(given?.value ?? {}).map((name) => [name, given?.string(name, '') ?? ''] as const);
  const all = { ...plain.prompts, ...Object.fromEntries(prompts) };
  const default_prompt_name = node.string('default_prompt_name', undefined);
  if (default_prompt_name !== undefined && !Object.hasOwn(all, default_prompt_name))
    throw node.error(`has no prompt ${quote(default_prompt_name)}, the default, among ${Object.keys(all).map(quote).join(', ')}`);
  const similarity = node.string('similarity_fn_name', 'cosine');
  const truncate_dim = node.integer('truncate_dim', 1 << 24, undefined);
  if (truncate_dim === 0) throw node.error('must have a truncate_dim above 0');
  return {
    ...{ prompts: all, default_prompt_name, truncate_dim },
    similarity_fn_name: similarityNames.find((name) => name === similarity) ?? 'cosine',
  };
}

/** sentence-transformers' modes in the order of the old booleans, and heed's names. */
const modes: readonly (readonly [old: string, mode: string, pooling: SentencePooling])[] = [
  ['pooling_mode_cls_token', 'cls', 'cls'],
  ['pooling_mode_max_tokens', 'max', 'max'],
  ['pooling_mode_mean_tokens', 'mean', 'mean'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean_sqrt_len_tokens', 'mean_sqrt_len_tokens'],
  ['pooling_mode_weightedmean_tokens', 'weightedmean', 'weightedmean'],
  ['pooling_mode_lasttoken', 'lasttoken', 'last_token'],
];

type PoolingWish = Pick<SentenceConfig, 'pooling' | 'include_prompt'>;

/** Pooling mode, or several in their order, by `pooling_mode` or by booleans; the mean where the config names none. */
async function readPooling(folder: Folder, module: ModuleEntry | undefined, options: OpenOptions): Promise<PoolingWish> {
  if (!module) return plain;
  const inside = module.path ? folderIn(folder, module.path) : folder;
  const config = JsonNode.of(inside.locate('config.json'), await readJson(inside, 'config.json', options));
  const given = config.get('pooling_mode');
  // Values that are true in Python count as set.
  const set = Object.keys(config.value).filter((key) => key.startsWith('pooling_mode_') && config.get(key));
  const old = [
    ...modes.map(([key]) => key).filter((key) => set.includes(key)),
    ...set.filter((key) => !modes.some(([own]) => own === key)),
  ];
  const asked = given === undefined ? old : typeof given === 'string' ? [given] : config.array('pooling_mode');
  if (given !== undefined && asked.length === 0) throw config.error('must have a pooling_mode');
  const poolings = asked.map((name) => {
    const found = modes.find(([key, mode]) => name === (given === undefined ? key : mode));
    if (found) return found[2];
    const cure = `heed has ${modes.map(([, mode]) => mode).join(', ')}`;
    throw unsupported(config.file, `the pooling ${quote(String(name))}`, config.file, cure);
  });
  return { pooling: poolings.length > 1 ? poolings : (poolings[0] ?? 'mean'), include_prompt: config.boolean('include_prompt', true) };
}
