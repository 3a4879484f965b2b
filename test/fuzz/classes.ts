/** The classes of mutations: what each hits, how often it is drawn, and what it does. */
import type { Random } from '../cases/random.js';
import { type BytesMutation, cut, flip, insert, truncate, within } from './bytes.js';
import { type FilesMutation, headerEnd, headerText, lyingLength, offsets, shapes, shards, tensors, values } from './checkpoint.js';
import { charsmap, family, others, pattern, settings, vocabulary } from './enemies.js';
import { allTokenizers, type Files, pick } from './files.js';
import { anyOp, modelInputs, options, type Subject, texts } from './inputs.js';
import { tree } from './json.js';
import { neutral } from './neutral.js';
import type { Specimen } from './specimens.js';

/** The parts of a folder that a model is read from, and what comes later. */
export const targets = ['header', 'data', 'config', 'tokenizer', 'folder', 'nothing', 'input', 'picture'] as const;

interface Base {
  readonly name: string;
  readonly hits: (typeof targets)[number];
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
}

/** Changes files of a folder that has `needs`; something is loaded from them and asked. */
export interface FilesClass extends Base {
  readonly change: FilesMutation;
  readonly needs?: string;
  /** The answer need not be finite, since weights are not. */
  readonly wild?: boolean;
  /** Nothing that matters is changed: the answer must be the same. */
  readonly same?: boolean;
}

/** Calls a good model, or an op. */
interface InputClass extends Base {
  readonly call: (random: Random, subject: Subject) => Promise<void>;
}

export type Class = FilesClass | InputClass;

const MODEL = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const damages = { flip, truncate, insert, cut };

const inFile =
  (name: string, mutate: BytesMutation): FilesMutation =>
  (random, files) => ({ ...files, [name]: mutate(random, files[name] as Uint8Array) });

/** The mutation of the folder's tokenizer, or of any other that could stand there. */
const inTokenizer =
  (mutate: BytesMutation): FilesMutation =>
  (random, files) => ({
    ...files,
    'tokenizer.json': mutate(random, random.next() < 0.5 ? (files['tokenizer.json'] as Uint8Array) : pick(random, allTokenizers)),
  });

/** `wild`: a config may say of weights that they are of another kind. */
function jsonClasses(
  hits: Base['hits'],
  needs: string,
  weight: number,
  { wild = false, change = (mutate: BytesMutation) => inFile(needs, mutate) } = {},
): FilesClass[] {
  const damaged = Object.entries(damages).map(([how, mutate]) => ({
    ...{ name: `${needs}: ${how}`, hits, needs, wild },
    weight: weight / 8,
    change: change(mutate),
  }));
  return [{ name: `${needs}: tree`, hits, needs, wild, weight: weight / 2, change: change(tree) }, ...damaged];
}

/** Other files than the weights, all at once: what one of them allows, another may forbid. */
const several: FilesMutation = (random, files) =>
  Object.keys(files)
    .filter((name) => !name.endsWith('.safetensors') && random.next() < 0.4)
    .reduce((all, name) => inFile(name, pick(random, [tree, flip]))(random, all), files);

const missing: FilesMutation = (random, files) => {
  const { [pick(random, Object.keys(files))]: _, ...rest } = files;
  return rest;
};

const headerBytes = Object.entries(damages).map(([how, mutate]) => ({
  ...{ name: `header: ${how}`, hits: 'header' as const, weight: 3, needs: MODEL },
  change: inFile(
    MODEL,
    within((bytes) => [0, headerEnd(bytes)], mutate),
  ),
  wild: true, // a tensor that is moved by a byte is another one
}));

const dataBytes = Object.entries({ flip, truncate, insert }).map(([how, mutate]) => ({
  ...{ name: `data: ${how}`, hits: 'data' as const, weight: 2, needs: MODEL },
  change: inFile(
    MODEL,
    within((bytes) => [headerEnd(bytes), bytes.length], mutate),
  ),
  wild: true,
}));

export const classes: readonly Class[] = [
  ...headerBytes,
  { name: 'header: tree', hits: 'header', weight: 6, change: inFile(MODEL, headerText(tree)), needs: MODEL, wild: true },
  { name: 'header: lying length', hits: 'header', weight: 3, change: inFile(MODEL, lyingLength), needs: MODEL },
  { name: 'header: offsets', hits: 'header', weight: 7, change: inFile(MODEL, offsets), needs: MODEL, wild: true },
  { name: 'header: shapes and dtypes', hits: 'header', weight: 7, change: inFile(MODEL, shapes), needs: MODEL, wild: true },
  { name: 'header: tensors', hits: 'header', weight: 8, change: tensors, needs: MODEL, wild: true },
  { name: 'header: shards', hits: 'header', weight: 8, change: shards, needs: MODEL, wild: true },
  ...dataBytes,
  { name: 'data: NaN and infinities', hits: 'data', weight: 5, change: values, needs: MODEL, wild: true },
  ...jsonClasses('header', INDEX, 5, { wild: true }),
  ...jsonClasses('config', 'config.json', 18, { wild: true }),
  { name: 'config.json: settings', hits: 'config', weight: 16, change: settings, wild: true },
  { name: 'config.json: family', hits: 'config', weight: 3, change: family, wild: true },
  ...jsonClasses('tokenizer', 'tokenizer.json', 18, { change: inTokenizer }),
  { name: 'tokenizer.json: patterns', hits: 'tokenizer', weight: 7, change: pattern },
  { name: 'tokenizer.json: vocabulary', hits: 'tokenizer', weight: 8, change: vocabulary },
  { name: 'tokenizer.json: charsmap', hits: 'tokenizer', weight: 12, change: charsmap },
  ...jsonClasses('tokenizer', 'tokenizer_config.json', 5),
  ...jsonClasses('tokenizer', 'special_tokens_map.json', 2),
  ...jsonClasses('folder', 'modules.json', 3),
  ...jsonClasses('folder', '1_Pooling/config.json', 2),
  ...jsonClasses('folder', 'sentence_bert_config.json', 2),
  { name: 'folder: several files', hits: 'folder', weight: 3, change: several, wild: true },
  { name: 'folder: files of others', hits: 'folder', weight: 5, change: others, wild: true },
  { name: 'folder: a file is missing', hits: 'folder', weight: 1, change: missing },
  { name: 'nothing that matters', hits: 'nothing', weight: 12, change: neutral, same: true },
  { name: 'input: ids and masks', hits: 'input', weight: 8, call: modelInputs },
  { name: 'input: texts', hits: 'input', weight: 6, call: texts },
  { name: 'input: options', hits: 'input', weight: 5, call: options },
  { name: 'input: ops and modules', hits: 'input', weight: 8, call: anyOp },
];

const total = classes.reduce((sum, { weight }) => sum + weight, 0);

export function drawClass(random: Random): Class {
  let at = random.next() * total;
  for (const one of classes) {
    at -= one.weight;
    if (at < 0) return one;
  }
  return classes[0] as Class;
}

/** A folder that the class can change. */
export const specimenFor = ({ needs }: FilesClass, random: Random, specimens: readonly Specimen[]): Specimen =>
  pick(
    random,
    specimens.filter(({ files }) => needs === undefined || files[needs]),
  );

/** The files of an input. Unchanged files among them are the same bytes as always. */
export const filesOf = (one: FilesClass, random: Random, { files }: Specimen): Files => one.change(random, files);
