/** Facts about a model from its folder, without reading a weight. */
import type { Folder } from '../io/folder.js';
import type { CheckpointEntry } from '../io/weights.js';
import { loaders, spell, type Task } from '../models/architecture.js';
import { labelsOf } from '../models/labels.js';
import { summaryOf } from '../models/load.js';
import { partsFor, readParts, tasksIn } from '../models/parts.js';
import { type PretrainedDtype, storedAs, weightForms } from '../models/quantization.js';
import type { Sources } from '../nn/formats/sources.js';
import type { WeightDtype } from '../tensor.js';
import { descriptionOf } from '../text/description.js';
import { tokenizerFilesOf } from '../text/files.js';
import { Table } from '../text/vocabulary.js';
import { ifThere } from './files.js';
import { type LayerFacts, layersOf } from './layer_facts.js';

export interface ModelFacts {
  /** config.json's model_type. */
  architecture: string;
  /** Tasks whose heads the checkpoint has. */
  heads: readonly Task[];
  /** Class of heed that loads the model. */
  loader: string;
  /** Labels of a classifying head. */
  labels: readonly string[] | undefined;
  /** Dtype of the checkpoint's weights. */
  dtype: PretrainedDtype;
  /** Kinds of tensors in a GGUF file. */
  kinds: readonly KindFacts[] | undefined;
  dims: Readonly<Record<string, number | string>>;
  /** Kinds of layers, where they differ or do not see all tokens. */
  layers: readonly LayerFacts[] | undefined;
  tokenizer: { model: string; vocabulary: number } | undefined;
}

/** Tensors of a kind, where the model may hold them in fewer bits than float32. */
export interface KindFacts {
  /** Name of the kind in the file. */
  kind: string;
  tensors: number;
  /** Their names, with * for the number of a layer. */
  names: readonly string[];
  /** What the engine holds; undefined for a kind that heed does not read. */
  held: WeightDtype | undefined;
  /** `true` where every value is kept exactly. */
  exact: boolean;
}

function kindsIn(sources: Sources, tensors: readonly CheckpointEntry[]): KindFacts[] {
  const found = new Map<string, string[]>();
  for (const { dtype, name } of tensors) found.set(dtype, [...(found.get(dtype) ?? []), name]);
  return [...found].map(([kind, own]) => {
    const source = Object.hasOwn(sources, kind) ? sources[kind] : undefined;
    const names = [...new Set(own.map((name) => name.replace(/\.\d+\./g, '.*.')))];
    return {
      kind,
      tensors: own.length,
      names,
      held: source && (source.format?.dtype ?? 'float32'),
      exact: source !== undefined && !source.rounded,
    };
  });
}

/** The letters of an architecture's dimensions, in words. */
const words: Readonly<Record<string, string>> = {
  ...{ L: 'layers', C: 'hidden', E: 'embedding', H: 'heads', D: 'head', F: 'feedForward', V: 'vocabulary' },
  ...{ sourceV: 'sourceVocabulary', positions: 'positions', types: 'types', patch: 'patch' },
};

export async function describe(folder: Folder): Promise<ModelFacts> {
  const parts = await readParts(folder);
  const { config, architecture, sources } = parts;
  const headers = await parts.weights.headers();
  const { tasks, named: task } = tasksIn(parts, headers);
  return {
    architecture: architecture.name,
    heads: tasks,
    loader: task ? `AutoModelFor${task}` : loaders[partsFor(parts, task).architecture.module.kind],
    labels: task?.endsWith('Classification') ? labelsOf(config, {}) : undefined,
    dtype: storedAs(weightForms(config, undefined, sources), headers.tensors),
    kinds: sources && kindsIn(sources, headers.tensors),
    layers: layersOf(architecture, config, summaryOf(headers.tensors, spell(architecture, config))),
    dims: dimsOf(architecture.dims(config) as object),
    tokenizer: await tokenizerOf(folder),
  };
}

/** Numbers by their words; those of two stacks, an encoder's and a decoder's, or of texts and of pictures, one behind the other. */
function dimsOf(dims: object): Record<string, number | string> {
  const { text, image, encoder = text, decoder = image, ...own } = dims as Record<string, unknown>;
  const two = (encoder ?? {}) as Record<string, number>;
  const other = decoder as Record<string, number>;
  const stacks = Object.entries(two).flatMap(([key, value]) =>
    other[key] === undefined ? [] : [[key, `${value} + ${other[key]}`] as const],
  );
  const all = Object.fromEntries([...stacks, ...Object.entries(own).filter(([, value]) => Number.isFinite(value))]);
  const known = Object.entries(words).filter(([key]) => all[key] !== undefined);
  return Object.fromEntries(known.map(([key, word]) => [word, all[key] as number | string]));
}

/** Kind and size of the tokenizer's vocabulary. */
async function tokenizerOf(folder: Folder): Promise<ModelFacts['tokenizer']> {
  const files = await ifThere(tokenizerFilesOf(folder));
  if (!files) return undefined;
  const { root } = descriptionOf(files, folder.locate);
  const model = root.object('model');
  const listed = model.get('vocab');
  const old = model.get('merges') ? 'BPE' : Array.isArray(listed) ? 'Unigram' : 'WordPiece';
  const ids = listed instanceof Table ? [listed.size - 1] : Object.values(Object(listed)).filter((id) => typeof id === 'number');
  const added = root.objects('added_tokens').map((token) => token.integer('id', 1 << 28, 0));
  const most = Array.isArray(listed) ? [listed.length - 1] : ids;
  return { model: model.string('type', old), vocabulary: 1 + [...most, ...added].reduce((a, b) => Math.max(a, b), -1) };
}
