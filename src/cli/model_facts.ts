/** What a model's folder says of it, without a weight. */
import type { Folder } from '../io/folder.js';
import type { CheckpointEntry } from '../io/weights.js';
import { loaders, type Task } from '../models/architecture.js';
import { labelsOf } from '../models/labels.js';
import { partsFor, readParts, tasksIn } from '../models/parts.js';
import { type PretrainedDtype, storedAs, weightForms } from '../models/quantization.js';
import type { Sources } from '../nn/formats/sources.js';
import type { WeightDtype } from '../tensor.js';
import { descriptionOf } from '../text/description.js';
import { tokenizerFilesOf } from '../text/files.js';
import { ifThere } from './files.js';

export interface ModelFacts {
  /** config.json's model_type. */
  architecture: string;
  /** The tasks whose heads are there. */
  heads: readonly Task[];
  /** What of heed loads it. */
  loader: string;
  /** Of a head that sorts. */
  labels: readonly string[] | undefined;
  /** As the checkpoint holds its weights. */
  dtype: PretrainedDtype;
  /** Of a GGUF file: its kinds of tensors. */
  kinds: readonly KindFacts[] | undefined;
  dims: Readonly<Record<string, number | string>>;
  tokenizer: { model: string; vocabulary: number } | undefined;
}

/** What becomes of tensors of a kind, where the model may hold them in fewer bits than float32. */
export interface KindFacts {
  /** As the file names it. */
  kind: string;
  tensors: number;
  /** What the engine holds; undefined for a kind that heed does not read. */
  held: WeightDtype | undefined;
  /** Whether every value stays what it is. */
  exact: boolean;
}

function kindsIn(sources: Sources, tensors: readonly CheckpointEntry[]): KindFacts[] {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].map(([kind, count]) => {
    const source = Object.hasOwn(sources, kind) ? sources[kind] : undefined;
    return { kind, tensors: count, held: source && (source.format?.dtype ?? 'float32'), exact: source !== undefined && !source.rounded };
  });
}

/** The letters of an architecture's dimensions, in words. */
const words: Readonly<Record<string, string>> = {
  ...{ L: 'layers', C: 'hidden', E: 'embedding', H: 'heads', D: 'head', F: 'feedForward', V: 'vocabulary' },
  ...{ sourceV: 'sourceVocabulary', positions: 'positions', types: 'types' },
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
    dims: dimsOf(architecture.dims(config) as object),
    tokenizer: await tokenizerOf(folder),
  };
}

/** Numbers by their words; those of two stacks, an encoder's and a decoder's, one behind the other. */
function dimsOf(dims: object): Record<string, number | string> {
  const { encoder, decoder, ...own } = dims as Record<string, unknown>;
  const two = (encoder ?? {}) as Record<string, number>;
  const stacks = Object.entries(two).map(([key, value]) => [key, `${value} + ${(decoder as Record<string, number>)[key]}`] as const);
  const all = Object.fromEntries([...stacks, ...Object.entries(own).filter(([, value]) => Number.isFinite(value))]);
  const known = Object.entries(words).filter(([key]) => all[key] !== undefined);
  return Object.fromEntries(known.map(([key, word]) => [word, all[key] as number | string]));
}

/** Which kind of tokens, and how many. */
async function tokenizerOf(folder: Folder): Promise<ModelFacts['tokenizer']> {
  const files = await ifThere(tokenizerFilesOf(folder));
  if (!files) return undefined;
  const { root } = descriptionOf(files, folder.locate);
  const model = root.object('model');
  const listed = model.get('vocab');
  const old = model.get('merges') ? 'BPE' : Array.isArray(listed) ? 'Unigram' : 'WordPiece';
  const ids = Object.values(Object(listed)).filter((id) => typeof id === 'number') as number[];
  const added = root.objects('added_tokens').map((token) => token.integer('id', 1 << 28, 0));
  const most = Array.isArray(listed) ? [listed.length - 1] : ids;
  return { model: model.string('type', old), vocabulary: 1 + [...most, ...added].reduce((a, b) => Math.max(a, b), -1) };
}
