/** The folders that are changed: a tiny model of every family of encoders and every head, in every form that weights have, with a tokenizer of each kind. */
import { readdirSync, readFileSync } from 'node:fs';
import { readWeights, type Weights, writeWeights } from '../models/files.js';
import { type Half, narrowed } from '../models/halves.js';
import { decode, encode, type Files, pristine, quantized } from './files.js';
import { tokenizers } from './tokenizers.js';

export const taskNames = [
  'feature-extraction',
  'text-classification',
  'zero-shot-classification',
  'token-classification',
  'question-answering',
  'fill-mask',
] as const;
export type TaskName = (typeof taskNames)[number];

export interface Specimen {
  readonly name: string;
  readonly task: TaskName;
  readonly files: Files;
  /** What it is loaded with. */
  readonly options: { readonly dtype?: 'q8' | 'fp32' };
}

const MODEL = 'model.safetensors';
const fixtures = new URL('../fixtures/hf/', import.meta.url);
const families = ['bert', 'roberta', 'xlm_roberta', 'distilbert', 'mpnet', 'modernbert'];
const tasksByName: Readonly<Record<string, TaskName>> = {
  ...{ classify: 'text-classification', mean: 'text-classification', ner: 'token-classification' },
  ...{ qa: 'question-answering', mlm: 'fill-mask', mlm_untied: 'fill-mask' },
};
const labels: Partial<Record<TaskName, readonly string[]>> = {
  'token-classification': ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC', 'MISC'],
  'zero-shot-classification': ['CONTRADICTION', 'NEUTRAL', 'ENTAILMENT'],
};

/** What the folder's config.json says, with names for its labels where the task has some. */
function configOf(folder: string, task: TaskName): Uint8Array {
  const config = JSON.parse(readFileSync(new URL(`${folder}/config.json`, fixtures), 'utf8'));
  const names = labels[task];
  if (names && config.id2label) config.id2label = Object.fromEntries(Object.keys(config.id2label).map((id, i) => [id, names[i] ?? id]));
  return encode(JSON.stringify(config));
}

const tokenizerConfig = {
  mask_token: '[MASK]',
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: { content: '[SEP]' },
};

function specimen(folder: string, task: TaskName, tokenizer: number): Specimen {
  const files = {
    'config.json': configOf(folder, task),
    'tokenizer.json': encode(JSON.stringify(tokenizers[tokenizer % tokenizers.length])),
    'tokenizer_config.json': encode(JSON.stringify(tokenizerConfig)),
    'special_tokens_map.json': encode(JSON.stringify({ mask_token: '[MASK]' })),
    [MODEL]: new Uint8Array(readFileSync(new URL(`${folder}/${MODEL}`, fixtures))),
  };
  return { name: folder, task, files, options: {} };
}

const withWeights = (files: Files, change: (weights: Weights) => Weights): Files => ({
  ...files,
  [MODEL]: writeWeights(change(readWeights(files[MODEL] as Uint8Array))),
});

/** The weights in files of their own, and the index that says so. */
export function sharded({ [MODEL]: model, ...files }: Files, count = 2): Files {
  const weights = Object.entries(readWeights(model as Uint8Array));
  const shard = (i: number) => `model-${i}.safetensors`;
  const of = (i: number) => Math.floor((i * count) / weights.length);
  const made = Array.from({ length: count }, (_, n) => [shard(n), writeWeights(Object.fromEntries(weights.filter((_, i) => of(i) === n)))]);
  const weight_map = Object.fromEntries(weights.map(([name], i) => [name, shard(of(i))]));
  return { ...files, ...Object.fromEntries(made), [`${MODEL}.index.json`]: encode(JSON.stringify({ metadata: {}, weight_map })) };
}

const ofFolders: Specimen[] = readdirSync(fixtures)
  .sort()
  .flatMap((folder, i) => {
    const family = families.find(
      (name) => folder === name || (folder.startsWith(`${name}_`) && tasksByName[folder.slice(name.length + 1)]),
    );
    if (!family) return [];
    const task = tasksByName[folder.slice(family.length + 1)] ?? 'feature-extraction';
    const own = specimen(folder, task, i);
    return folder.endsWith('classify')
      ? [own, { ...specimen(folder, 'zero-shot-classification', i + 1), name: `${folder} for inference` }]
      : [own];
  });

const named = (name: string): Specimen => ofFolders.find((one) => one.name === name) as Specimen;
const half = (name: string, dtype: Half): Specimen => {
  const one = named(name);
  return { ...one, name: `${name} in ${dtype}`, files: withWeights(one.files, (weights) => narrowed(weights, dtype).halves) };
};
const atLoad = (name: string): Specimen => ({ ...named(name), name: `${name}, q8 at load`, options: { dtype: 'q8' } });
const inShards = (name: string): Specimen => ({ ...named(name), name: `${name} in shards`, files: sharded(named(name).files) });

export const specimens: readonly Specimen[] = [
  { name: 'bert-tiny', task: 'feature-extraction', files: pristine, options: {} },
  { name: 'bert-tiny in q8', task: 'feature-extraction', files: quantized, options: {} },
  ...ofFolders,
  ...[half('bert_ner', 'F16'), half('modernbert_mlm', 'BF16'), half('roberta_classify', 'F16'), half('xlm_roberta', 'BF16')],
  ...[atLoad('distilbert_qa'), atLoad('modernbert_classify'), atLoad('xlm_roberta_mlm'), atLoad('mpnet')],
  ...[inShards('mpnet_ner'), inShards('roberta_qa'), inShards('modernbert')],
];

/** Those that `quantize` writes into q8 folders. */
export const toQuantize: readonly Specimen[] = ['roberta_mlm', 'modernbert_ner', 'distilbert_classify', 'mpnet_qa', 'xlm_roberta'].map(
  named,
);

/** Every name that a config has, with a value that it has somewhere: what one family knows, another may not. */
export const configKeys: Readonly<Record<string, unknown>> = Object.assign(
  {},
  ...specimens.map(({ files }) => JSON.parse(decode(files['config.json']))),
  {
    rope_theta: 10_000,
    rope_scaling: { type: 'linear', factor: 2 },
    torch_dtype: 'float16',
    quantization_config: { quant_method: 'heed', bits: 8, group_size: 32 },
    problem_type: 'multi_label_classification',
  },
);
