/**
 * From token states to one vector per text, as sentence-transformers describes it in a folder's modules.json. Host maths, in
 * float64 with one order of summation, so that bits depend on the states alone.
 */
import { HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { quote } from '../io/header.js';
import { allOf, JsonNode, readJson } from '../io/json.js';
import type { OpenOptions } from '../runtime/types.js';

/** transformers.js's names; some stand for the same. */
export const poolings = ['none', 'mean', 'cls', 'first_token', 'eos', 'last_token'] as const;
export type Pooling = (typeof poolings)[number];
/** From all tokens, one vector. */
export type SentencePooling = Exclude<Pooling, 'none'>;

export interface SentenceConfig {
  pooling: SentencePooling | undefined;
  normalize: boolean;
  /** Tokens after which texts are cut, special tokens included. */
  maxTokens: number | undefined;
}

/** sentence-transformers' names of poolings, and heed's. */
const modes: Readonly<Record<string, SentencePooling>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_lasttoken: 'last_token',
};

/** What modules.json, the pooling's config.json and sentence_bert_config.json say; nothing where they are missing. */
export async function readSentenceConfig(folder: Folder, options: OpenOptions = {}): Promise<SentenceConfig> {
  const read = (file: string) => readJson(folder, file, { ...options, optional: true });
  const [modules, sentence] = await allOf([read('modules.json'), read('sentence_bert_config.json')]);
  const maxTokens =
    sentence === undefined ? undefined : JsonNode.of('sentence_bert_config.json', sentence).integer('max_seq_length', 1 << 24, undefined);
  if (modules === undefined) return { pooling: undefined, normalize: false, maxTokens };
  const root = JsonNode.of(folder.locate('modules.json'), { modules });
  const list = root.objects('modules');
  const kinds = list.map((module) => module.string('type').split('.').at(-1));
  const strange = kinds.find((kind) => !['Transformer', 'Pooling', 'Normalize'].includes(kind ?? ''));
  if (strange !== undefined)
    throw new HeedError('UNSUPPORTED', `${root.file} asks for a module ${quote(strange)}`, {
      culprit: strange || root.file,
      cure: 'heed has Transformer, Pooling and Normalize',
    });
  const at = list[kinds.indexOf('Pooling')]?.string('path');
  return {
    pooling: at === undefined ? undefined : await readPooling(folder, at, options),
    normalize: kinds.includes('Normalize'),
    maxTokens,
  };
}

async function readPooling(folder: Folder, path: string, options: OpenOptions): Promise<SentencePooling> {
  // A path with dots in it would read outside of the folder.
  if (!/^[\w-]+$/.test(path)) throw new HeedError('FORMAT', `modules.json gives the path ${quote(path)}`, { culprit: 'modules.json' });
  const file = `${path}/config.json`;
  const config = JsonNode.of(file, await readJson(folder, file, options));
  const asked = Object.keys(config.value).filter((key) => key.startsWith('pooling_mode_') && config.get(key) === true);
  const [mode] = asked;
  if (asked.length === 1 && mode && Object.hasOwn(modes, mode)) return modes[mode] as SentencePooling;
  throw new HeedError('UNSUPPORTED', `${file} asks for ${asked.map(quote).slice(0, 9).join(' and ') || 'no pooling'}`, {
    culprit: file,
    cure: `heed has ${Object.keys(modes).join(', ')}`,
  });
}

/**
 * One text's vector, or with 'none' one for each of its tokens: `states` [T, C] are those of its tokens. An L2 norm of 1 with `normalize`. Zeros where there are no tokens.
 */
export function pool(states: Float32Array, C: number, pooling: Pooling, normalize: boolean): Float32Array {
  if (pooling === 'none') {
    if (!normalize) return states;
    const all = new Float32Array(states.length);
    for (let i = 0; i < states.length; i += C) all.set(pool(states.subarray(i, i + C), C, 'cls', true), i);
    return all;
  }
  const last = Math.max(0, states.length - C);
  const [begin, end] = pooling === 'mean' ? [0, states.length] : pooling === 'eos' || pooling === 'last_token' ? [last, last + C] : [0, C];
  const own = states.subarray(begin, end);
  const rows = Math.max(1, own.length / C);
  const sum = new Float64Array(C);
  for (let i = 0; i < own.length; i += C) for (let c = 0; c < C; c++) sum[c] = (sum[c] as number) + (own[i + c] as number);
  for (let c = 0; c < C; c++) sum[c] = (sum[c] as number) / rows;
  if (normalize) {
    let square = 0;
    for (const x of sum) square += x * x;
    const norm = Math.max(Math.sqrt(square), 1e-12);
    for (let c = 0; c < C; c++) sum[c] = (sum[c] as number) / norm;
  }
  return Float32Array.from(sum);
}
