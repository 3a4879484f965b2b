/**
 * The modules that sentence-transformers puts behind a Pooling: each makes one vector of another, in the order of modules.json. Normalize is always there; modules with
 * weights are registered, so that a bundle has only those that it asks for.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import type { Folder } from '../io/folder.js';
import { folderIn, type ModuleEntry } from '../io/modules.js';
import type { OpenOptions } from '../runtime/types.js';
import { normalized } from './pooling.js';

/** A module that was loaded. */
export interface SentenceModule {
  /** Number of channels of the input. */
  readonly inputs: number;
  /** Number of channels of the output. */
  readonly outputs: number;
  /** Vectors [B, inputs] → [B, outputs]. Runs while the engine is its caller's. */
  run(vectors: Float32Array): Float32Array;
  /** Frees its weights. */
  dispose(): void;
}

/** A kind of module, by the name of its Python class, and how one is loaded from its folder. */
export interface SentenceModuleKind {
  /** The Python class's own name: Dense. */
  readonly name: string;
  /** Loads one from its folder. Throws FORMAT, UNSUPPORTED for settings that it does not have. */
  load(engine: Engine, folder: Folder, options: OpenOptions): Promise<SentenceModule>;
}

const registry = new Map<string, SentenceModuleKind>();

/** Makes kinds of modules known to feature extraction. */
export function registerSentenceModule(...kinds: readonly SentenceModuleKind[]): void {
  for (const kind of kinds) registry.set(kind.name, kind);
}

export const moduleKinds = (): readonly string[] => [...registry.keys()];

type Vectors = readonly Float64Array[];
type Step = (vectors: Vectors) => Vectors;

/** Modules that run behind a pooling. */
export class SentenceModules {
  readonly #loaded: SentenceModule[] = [];
  readonly #steps: Step[] = [];

  static async load(engine: Engine, folder: Folder, modules: readonly ModuleEntry[], options: OpenOptions): Promise<SentenceModules> {
    const made = new SentenceModules();
    try {
      for (const { type, path } of modules)
        await made.#add(engine, path ? folderIn(folder, path) : folder, type.split('.').at(-1) as string, options);
      return made;
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  async #add(engine: Engine, folder: Folder, name: string, options: OpenOptions): Promise<void> {
    const kind = registry.get(name);
    if (!kind) return void this.#steps.push((vectors) => vectors.map(normalized));
    const module = await kind.load(engine, folder, options);
    this.#loaded.push(module);
    this.#steps.push((vectors) => {
      const width = vectors[0]?.length ?? module.inputs;
      if (width !== module.inputs)
        throw new HeedError('SHAPE', `${folder.name} takes vectors of ${module.inputs} numbers, and gets ${width}`, {
          culprit: name,
          shape: [vectors.length, width],
          cure: 'Pool as the model does',
        });
      const all = new Float32Array(vectors.length * width);
      for (const [i, vector] of vectors.entries()) all.set(vector, i * width);
      const out = module.run(all);
      return vectors.map((_, i) => Float64Array.from(out.subarray(i * module.outputs, (i + 1) * module.outputs)));
    });
  }

  /** Channels of what comes of vectors of `width`. */
  widthOf(width: number): number {
    return this.#loaded.at(-1)?.outputs ?? width;
  }

  /** Runs all steps, or all but the last. */
  run(vectors: Vectors, withLast: boolean): Vectors {
    return this.#steps.slice(0, withLast ? undefined : -1).reduce((now, step) => step(now), vectors);
  }

  dispose(): void {
    for (const module of this.#loaded) module.dispose();
  }
}
