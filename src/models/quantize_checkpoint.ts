/**
 * A checkpoint in 8 bits or 4, made from one in floats: tensor by tensor, under the same names, for any task. A module without weights for each
 * task whose head is there tells which tensors some model reads, and which of them it may hold in fewer bits; other tensors, and copies equal to the tensor they are tied to, are left out.
 */

import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import type { CheckpointEntry, CheckpointHeaders, Progress } from '../io/weights.js';
import { weightEntries } from '../nn/entries.js';
import { floats } from '../nn/formats/sources.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { Names, Spelt, Task } from './architecture.js';
import { headFor } from './heads.js';
import { loadWeights, ownName, prepared } from './load.js';
import { designOf, type ModelParts, partsFor, tasksIn } from './parts.js';
import { checkEmbeddingDtype, type EmbeddingDtype, weightForms } from './quantization.js';
import { saveLoaded } from './save.js';
import type { Target } from './stored.js';
import { equalCopies } from './ties.js';

/** Kind of a tensor: whether it may be in 8 bits, or in 4, whether it is transposed, and whether it is one number without axes. */
type Kind = Pick<Target, 'transposed'> & Pick<Parameter, 'quantizable' | 'leastBits'> & { readonly isScalar: boolean };

/** Module with a checkpoint's tensors under their own names. */
class Checkpoint extends Module {
  constructor(engine: Engine, tensors: readonly CheckpointEntry[], kinds: ReadonlyMap<string, Kind>) {
    super(engine);
    for (const { name, shape } of tensors) {
      const { quantizable = false, leastBits = 8, transposed } = kinds.get(name) ?? {};
      // A parameter has an axis at least.
      const own = shape.length === 0 ? [1] : shape;
      this.parameter(name, transposed ? [...own].reverse() : own, { quantizable, leastBits });
    }
  }
}

export interface QuantizeOptions {
  /** Dtype of matrices: with 'q4' only weights of products whose rows are whole blocks of 32 have 4 bits, and others 8. Default 'q8'. */
  dtype?: 'q8' | 'q4' | undefined;
  /** Of 4 bits: those of tables and outputs. Default 'q8'. */
  embedding_dtype?: EmbeddingDtype | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Called when all has been read and nothing is written. */
  beforeWriting?: (() => Promise<void>) | undefined;
}

/** Result of quantizing. */
export interface Saved {
  /** Bytes of the weights' files that were read, where their lengths are known. */
  before: number | undefined;
  /** Bytes of all files that were written. */
  bytes: number;
  /** Numbers of tensors that are now in 8 bits, in 4, that stayed floats, and that no model of heed's reads. */
  quantized: number;
  halved: number;
  kept: number;
  left: readonly string[];
}

/**
 * Writes the model of a folder into another folder, in 8 bits or 4, with the other files. Meanwhile the engine holds the quantized model. Throws ARGUMENT for a model that
 * is quantized already, UNSUPPORTED for a GGUF file, NUMERIC for weights that are not finite, STORAGE where a file cannot be written.
 */
export async function quantizeCheckpoint(
  engine: Engine,
  parts: ModelParts,
  out: string,
  { dtype = 'q8', embedding_dtype, beforeWriting, ...options }: QuantizeOptions = {},
): Promise<Saved> {
  checkEmbeddingDtype('quantize', dtype, embedding_dtype);
  const { folder, config, architecture, weights, sources } = parts;
  if (sources)
    throw new HeedError('UNSUPPORTED', `${folder.name} is a GGUF file, whose names are its own`, {
      culprit: 'model',
      cure: `Load it, and call save_pretrained(folder, { dtype: '${dtype}' }), which writes Hugging Face's`,
    });
  const headers = await weights.headers({ signal: options.signal });
  const purposes = [undefined, ...tasksIn(parts, headers).tasks];
  const { stored } = weightForms(config, undefined);
  if (stored !== 'float32')
    throw new HeedError('ARGUMENT', `${folder.name} is in ${stored.slice(1)} bits already`, {
      culprit: 'model',
      cure: 'Give a model in floats',
    });
  const read = kindsIn(engine, parts, headers, purposes);
  const tensors = headers.tensors.filter(({ name }) => read.has(name));
  const own: Spelt = {
    ...architecture,
    weights: namesOf(read),
    ties: [],
    spellings: {},
    prefixes: [],
    renamed: [],
    optional: [],
    ignored: [/^/],
  };
  const forms = { stored: 'float32', kept: dtype, embeddings: embedding_dtype, sources: floats } as const;
  const module = await loadWeights(() => new Checkpoint(engine, tensors, read), own, folder.name, weights, { ...options, forms });
  try {
    const held = new Map(module.namedParameters());
    for (const name of copiesIn(held, parts, purposes)) held.delete(name);
    const entries = () =>
      [...held].flatMap(([name, parameter]) => {
        const own = weightEntries(parameter, name);
        return read.get(name)?.isScalar ? own.map((entry) => ({ ...entry, shape: [] })) : own;
      });
    const origin = { folder, tensors: entries, model: undefined, headed: false };
    await beforeWriting?.();
    const bytes = await saveLoaded(module, config.value, origin, out, { dtype, signal: options.signal });
    const [quantized, halved] = (['q8', 'q4'] as const).map(
      (one) => [...held.values()].filter((parameter) => parameter.dtype === one).length,
    ) as [number, number];
    const left = headers.tensors.map(({ name }) => name).filter((name) => !held.has(name));
    return { before: headers.bytes, bytes, quantized, halved, kept: held.size - quantized - halved, left };
  } finally {
    module.dispose();
  }
}

/** The tensors that are others once more. */
function copiesIn(held: ReadonlyMap<string, Parameter>, parts: ModelParts, purposes: Purposes): string[] {
  return purposes.flatMap((task) => {
    const { architecture: own } = designOf(partsFor(parts, task), { head: task && headFor(task) });
    const names = new Map([...held.keys()].map((name) => [ownName(name, own), name]));
    return equalCopies(own, (tensor) => held.get(names.get(tensor) ?? '')).map((tensor) => names.get(tensor) as string);
  });
}

/** Tasks whose heads a checkpoint has, and undefined for none. */
type Purposes = readonly (Task | undefined)[];

/** Table that maps names of tensors to themselves. */
const namesOf = (kinds: ReadonlyMap<string, Kind>): Names => {
  const general = (name: string) => name.replace(/\.\d+\./, '.{l}.');
  const entries = [...kinds].map(([name, { transposed, isScalar }]) => [
    general(name),
    { name: general(name), ...(transposed && { transposed }), ...(isScalar && { shape: () => [] }) },
  ]);
  return Object.fromEntries(entries) as Names;
};

/** Tensors that some model reads, with their kinds. Throws the errors of loading them. */
function kindsIn(engine: Engine, parts: ModelParts, { tensors }: CheckpointHeaders, purposes: Purposes): Map<string, Kind> {
  const found = new Map<string, Kind>();
  const forms = weightForms(parts.config, undefined, parts.sources);
  // Modules without weights take no memory; the rehearsal reserves the memory that weights would take.
  engine.rehearse(() => {
    for (const task of purposes) {
      const { architecture, make } = designOf(partsFor(parts, task), { head: task && headFor(task) });
      const { targetOf } = prepared((summary) => make(engine, summary), architecture, parts.folder.name, tensors, forms);
      for (const entry of tensors) {
        const target = targetOf(entry);
        if (target)
          found.set(entry.name, {
            quantizable: target.parameter.quantizable,
            leastBits: target.parameter.leastBits,
            transposed: target.transposed,
            isScalar: entry.shape.length === 0,
          });
      }
    }
  });
  return found;
}
