/** The classes of mutations: what each hits, how often it is drawn, and what it does. */
import type { Random } from '../cases/random.js';
import { type BytesMutation, cut, flip, insert, truncate, within } from './bytes.js';
import { type FilesMutation, headerEnd, headerText, lyingLength, offsets, shapes, shards, tensors, values } from './checkpoint.js';
import { allTokenizers, type Files, pick, pristine, quantized } from './files.js';
import { anyOp, modelInputs, options, type Subject, texts } from './inputs.js';
import { tree } from './json.js';

/** The parts of a folder that a model is read from, and what comes later. */
export const targets = ['header', 'data', 'config', 'tokenizer', 'folder', 'input'] as const;

interface Base {
  readonly name: string;
  readonly hits: (typeof targets)[number];
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
}

/** Changes files; a model is loaded from them and called. `wild`: its answer need not be finite, since its weights are not. */
interface FilesClass extends Base {
  readonly change: FilesMutation;
  readonly wild?: boolean;
}

/** Calls a good model, or an op. */
interface InputClass extends Base {
  readonly call: (random: Random, subject: Subject) => Promise<void>;
}

export type Class = FilesClass | InputClass;

const MODEL = 'model.safetensors';
const damages = { flip, truncate, insert, cut };

const inFile =
  (name: string, mutate: BytesMutation): FilesMutation =>
  (random, files) => ({ ...files, [name]: mutate(random, files[name] as Uint8Array) });

/** The mutation of any of the tokenizers that could stand in the folder. */
const inTokenizer =
  (mutate: BytesMutation): FilesMutation =>
  (random, files) => ({ ...files, 'tokenizer.json': mutate(random, pick(random, allTokenizers)) });

function jsonClasses(hits: Base['hits'], name: string, weight: number, change: (mutate: BytesMutation) => FilesMutation): FilesClass[] {
  const damaged = Object.entries(damages).map(([how, mutate]) => ({
    name: `${name}: ${how}`,
    hits,
    weight: weight / 8,
    change: change(mutate),
  }));
  return [{ name: `${name}: tree`, hits, weight: weight / 2, change: change(tree) }, ...damaged];
}

/** The mutation of the 8-bit model's files. */
const in8Bits =
  (change: FilesMutation): FilesMutation =>
  (random) =>
    change(random, quantized);

/** Checkpoints whose int8 and scales are missing, moved, misshapen, of another kind, or anything at all. */
const quantizedClasses: FilesClass[] = Object.entries({
  flip: inFile(MODEL, damages.flip),
  tree: inFile(MODEL, headerText(tree)),
  offsets: inFile(MODEL, offsets),
  'shapes and dtypes': inFile(MODEL, shapes),
  tensors,
  shards,
  config: inFile('config.json', tree),
}).map(([how, change]) => ({ name: `q8: ${how}`, hits: 'header', weight: 2, change: in8Bits(change), wild: true }));

/** Other files than the weights, all at once: what one of them allows, another may forbid. */
const several: FilesMutation = (random, files) =>
  Object.keys(pristine)
    .filter((name) => name !== MODEL && random.next() < 0.4)
    .reduce((all, name) => inFile(name, pick(random, [tree, flip]))(random, all), files);

const missing: FilesMutation = (random, files) => {
  const { [pick(random, Object.keys(files))]: _, ...rest } = files;
  return rest;
};

const headerBytes = Object.entries(damages).map(([how, mutate]) => ({
  ...{ name: `header: ${how}`, hits: 'header' as const, weight: 2 },
  change: inFile(
    MODEL,
    within((bytes) => [0, headerEnd(bytes)], mutate),
  ),
  wild: true, // a tensor that is moved by a byte is another one
}));

const dataBytes = Object.entries({ flip, truncate, insert }).map(([how, mutate]) => ({
  ...{ name: `data: ${how}`, hits: 'data' as const, weight: 2 },
  change: inFile(
    MODEL,
    within((bytes) => [headerEnd(bytes), bytes.length], mutate),
  ),
  wild: true,
}));

export const classes: readonly Class[] = [
  ...headerBytes,
  { name: 'header: tree', hits: 'header', weight: 5, change: inFile(MODEL, headerText(tree)) },
  { name: 'header: lying length', hits: 'header', weight: 2, change: inFile(MODEL, lyingLength) },
  { name: 'header: offsets', hits: 'header', weight: 5, change: inFile(MODEL, offsets), wild: true },
  { name: 'header: shapes and dtypes', hits: 'header', weight: 5, change: inFile(MODEL, shapes) },
  { name: 'header: tensors', hits: 'header', weight: 6, change: tensors, wild: true },
  { name: 'header: shards', hits: 'header', weight: 6, change: shards, wild: true },
  ...dataBytes,
  ...quantizedClasses,
  { name: 'data: NaN and infinities', hits: 'data', weight: 3, change: values, wild: true },
  ...jsonClasses('config', 'config.json', 16, (mutate) => inFile('config.json', mutate)),
  ...jsonClasses('tokenizer', 'tokenizer.json', 20, inTokenizer),
  ...jsonClasses('tokenizer', 'tokenizer_config.json', 4, (mutate) => inFile('tokenizer_config.json', mutate)),
  ...jsonClasses('folder', 'modules.json', 3, (mutate) => inFile('modules.json', mutate)),
  ...jsonClasses('folder', '1_Pooling/config.json', 2, (mutate) => inFile('1_Pooling/config.json', mutate)),
  ...jsonClasses('folder', 'sentence_bert_config.json', 2, (mutate) => inFile('sentence_bert_config.json', mutate)),
  { name: 'folder: several files', hits: 'folder', weight: 3, change: several },
  { name: 'folder: a file is missing', hits: 'folder', weight: 1, change: missing },
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

/** The files of an input, and its text. Unchanged files among them are the same bytes as always. */
export const filesOf = (one: FilesClass, random: Random): Files => one.change(random, pristine);
