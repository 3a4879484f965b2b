/**
 * LoRA adapters of a language model (arXiv 2106.09685), in PEFT's files: adapter_config.json, and adapter_model.safetensors with A and B of each adapted module. The model's own
 * weights stay unchanged; an attached adapter is added to their products. The adapter is a module of its own, which a Trainer can train while all else is frozen.
 */

import { checkOptions, HeedError } from '../errors.js';
import { readCheckpoint } from '../io/checkpoint.js';
import type { Folder } from '../io/folder.js';
import { quote } from '../io/header.js';
import { readJson } from '../io/json.js';
import { pytorch, writeSafetensors } from '../io/safetensors_writer.js';
import type { CheckpointEntry } from '../io/weights.js';
import { weightEntries } from '../nn/entries.js';
import { floats } from '../nn/formats/sources.js';
import { LowRank } from '../nn/low_rank.js';
import { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { Tensor } from '../tensor.js';
import type { Spelt } from './architecture.js';
import type { Decoder } from './decoder.js';
import { ownName } from './load.js';
import { type Lora, loraOptionNames, readLora } from './lora_config.js';
import { matricesOf, type StoredMatrix } from './stored.js';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
/** Prefix that PEFT puts before the names of modules. */
const BEFORE = 'base_model.model.';

/** A module of the model that can be adapted. */
interface Place extends StoredMatrix {
  /** Name of the module in Hugging Face's model. */
  whole: string;
}

/** A model whose modules have names. */
export interface Base {
  readonly module: Decoder;
  readonly architecture: Spelt;
}

const placesIn = ({ module, architecture }: Base): Map<string, Place> =>
  new Map([...matricesOf(module, architecture)].map(([name, whole, matrix]) => [name, { ...matrix, whole }]));

/** An adapter: low-rank terms that are added to products of a language model; `forward` is the model's, with the adapter. */
export class LoraAdapter extends Module {
  readonly #added = new Map<Parameter, LowRank[]>();

  constructor(
    /** The model that it changes. */
    readonly base: Decoder,
    /** Settings of adapter_config.json. */
    readonly lora: Lora,
    places: readonly Place[],
  ) {
    super(base.engine);
    const { rank, scale, dropout } = lora;
    for (const { whole, weight, first, count } of places) {
      const made = this.child(BEFORE + whole, new LowRank(base.engine, weight, { rank, scale, dropout, first, count }));
      this.#added.set(weight, [...(this.#added.get(weight) ?? []), made]);
    }
  }

  /** Adds it to the model's products from now on, in place of any other. */
  attach(): void {
    for (const weight of this.base.distinctParameters().values()) if (weight.additions) weight.additions = this.#added.get(weight) ?? [];
  }

  /** ids [B, T] int32, the rows' lengths without padding → logits [B, T, V]. A tape that records brings gradients to A and B alone. */
  forward(ids: Tensor, lengths?: readonly number[]): Tensor {
    if (this.base.training) this.base.eval();
    this.attach();
    return this.base.forward(ids, lengths);
  }

  /**
   * Writes adapter_config.json and adapter_model.safetensors into a folder, as PEFT reads them. Throws STORAGE where that fails, UNSUPPORTED where there are no files.
   */
  async save_pretrained(folder: string): Promise<void> {
    const { runtime } = this.engine;
    const entries = [...this.namedParameters()].flatMap(([name, parameter]) => weightEntries(parameter, name, 'float32'));
    await runtime.writeFile(runtime.join(folder, WEIGHTS), writeSafetensors(entries, pytorch));
    const text = `${JSON.stringify(this.lora.json, null, 2)}\n`;
    await runtime.writeFile(runtime.join(folder, CONFIG), [new TextEncoder().encode(text)]);
  }
}

/** Adds nothing to the model's products any more. */
export function detach(base: Decoder): void {
  for (const weight of base.distinctParameters().values()) if (weight.additions) weight.additions = [];
}

/** Modules by how their names end. */
const endsWith = (name: string, end: string) => name === end || name.endsWith(`.${end}`);

/** Kinds of modules, without layers, for messages. */
const kinds = (names: Iterable<string>) => [...new Set([...names].map((name) => name.split('.').at(-1)))].join(', ');

/** A new adapter, which changes nothing before it is trained. Throws ARGUMENT where it adapts nothing, UNSUPPORTED for modules that there are not, and options that heed does not have. */
export function newAdapter(base: Base, config: object, seed: number): LoraAdapter {
  checkOptions(config, loraOptionNames, 'add_adapter');
  const lora = readLora('config', config);
  const places = placesIn(base);
  const { targets = ['q_proj', 'v_proj'] } = lora;
  const isMeant = (name: string) => (targets === 'all-linear' ? !endsWith(name, 'lm_head') : targets.some((end) => endsWith(name, end)));
  const unknown = targets === 'all-linear' ? [] : targets.filter((end) => ![...places.keys()].some((name) => endsWith(name, end)));
  if (unknown.length) throw strangers(base, 'target_modules', unknown, places);
  const chosen = [...places].filter(([name]) => isMeant(name));
  if (!chosen.length)
    throw new HeedError('ARGUMENT', 'add_adapter: target_modules names no module', {
      culprit: 'target_modules',
      cure: `Name some of ${kinds(places.keys())}, or give 'all-linear'`,
    });
  for (const [name, place] of chosen) expectPlain('target_modules', name, place);
  const json = {
    ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: lora.rank, lora_alpha: lora.alpha, bias: 'none', ...config, inference_mode: true },
    target_modules: targets === 'all-linear' ? [...new Set(chosen.map(([name]) => name.split('.').at(-1)))] : targets,
  };
  const made = new LoraAdapter(
    base.module,
    { ...lora, json },
    chosen.map(([, place]) => place),
  );
  return made.init(seed);
}

const strangers = ({ architecture }: Base, where: string, names: readonly string[], places: ReadonlyMap<string, Place>) =>
  new HeedError(
    'UNSUPPORTED',
    `${where}: ${names.slice(0, 3).map(quote).join(', ')} is nothing that can be adapted of heed's ${architecture.name}`,
    {
      culprit: names[0] as string,
      cure: `Its modules are ${kinds(places.keys())}`,
    },
  );

function expectPlain(where: string, name: string, { layout }: Place): void {
  if (layout)
    throw new HeedError('UNSUPPORTED', `${where}: heed has the rows of ${quote(name)} in another order, in which it adapts nothing`, {
      culprit: name,
    });
}

/** An adapter out of PEFT's files. Throws NOT_FOUND, FORMAT, UNSUPPORTED for modules and options that heed does not have, MODEL_MISMATCH for one of another model. */
export async function loadAdapter(base: Base, folder: Folder, signal?: AbortSignal): Promise<LoraAdapter> {
  const lora = readLora(folder.locate(CONFIG), await readJson(folder, CONFIG, { signal }));
  const file = folder.locate(WEIGHTS);
  const own: Folder = { name: folder.name, locate: () => file, open: (_, options) => folder.open(WEIGHTS, options) };
  let made: { adapter: LoraAdapter; targets: ReadonlyMap<string, Parameter> } | undefined;
  const check = (entries: readonly CheckpointEntry[]) => {
    made = adapterFor(base, lora, file, entries);
  };
  try {
    for await (const { name, dtype, begin, end, read } of readCheckpoint(own, { signal, check })) {
      const values = new Uint8Array(end - begin);
      await read((chunk, offset) => values.set(chunk, offset));
      made?.targets.get(name)?.write(0, values, floats[dtype as keyof typeof floats]);
    }
    return (made as NonNullable<typeof made>).adapter; // made by `check`
  } catch (error) {
    made?.adapter.dispose();
    throw error;
  }
}

/** An adapter without its numbers yet, and the target of each of a file's tensors. */
function adapterFor(base: Base, lora: Lora, file: string, entries: readonly CheckpointEntry[]) {
  const places = placesIn(base);
  const mismatch = (what: string, { name, shape }: { name: string; shape: readonly number[] }) =>
    new HeedError('MODEL_MISMATCH', `${file}: ${name} ${what}`, { culprit: name, shape, cure: 'Is it an adapter of this model?' });
  const halves = entries.map((entry) => {
    const [, module = '', half] = /^(.+)\.(lora_[AB])\.weight$/.exec(entry.name) ?? [];
    return { entry, half, module: ownName(module.replace(BEFORE, ''), base.architecture) };
  });
  const other = halves.find(({ half }) => half === undefined)?.entry;
  if (other) throw new HeedError('UNSUPPORTED', `${file}: ${quote(other.name)} is no part of a plain LoRA`, { culprit: other.name });
  const names = [...new Set(halves.map(({ module }) => module))];
  const unknown = names.filter((name) => !places.has(name));
  if (unknown.length) throw strangers(base, file, unknown, places);
  const chosen = names.map((name) => [name, places.get(name) as Place] as const);
  for (const [name, place] of chosen) expectPlain(file, name, place);
  const adapter = new LoraAdapter(
    base.module,
    lora,
    chosen.map(([, place]) => place),
  );
  const parameters = new Map(adapter.namedParameters());
  const targets = new Map<string, Parameter>();
  for (const { entry, module, half } of halves) {
    const key = `${BEFORE}${(places.get(module) as Place).whole}.${half}.weight`;
    const parameter = parameters.get(key);
    if (!parameter) throw mismatch('is there twice', entry);
    if (parameter.shape.join() !== entry.shape.join()) throw mismatch(`is [${entry.shape}], and must be [${parameter.shape}]`, entry);
    if (!Object.hasOwn(floats, entry.dtype))
      throw new HeedError('DTYPE', `${file}: ${entry.name} is ${entry.dtype}`, { culprit: entry.name });
    targets.set(entry.name, parameter);
    parameters.delete(key);
  }
  for (const [name, { shape }] of parameters) throw mismatch('is missing', { name, shape });
  return { adapter, targets };
}
