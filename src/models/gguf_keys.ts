/** Readers of a GGUF file's metadata for architectures. */
import type { GgufMetadata } from '../io/gguf.js';
import { malformed } from '../io/header.js';
import type { JsonObject } from '../io/json.js';

/** Numbers and strings of a file by key; the architecture's own keys are without its name: `block_count` for `llama.block_count`. */
export class GgufKeys {
  constructor(
    readonly file: string,
    readonly metadata: GgufMetadata,
    readonly name: string,
    readonly tensors: ReadonlySet<string>,
    /** Numbers of the tensors that a config has: factors of rotary positions. */
    readonly vectors: ReadonlyMap<string, Float32Array> = new Map(),
  ) {}

  /** A number that may be missing; of a list that is all one, that one. */
  number(key: string): number | undefined {
    const value = this.metadata.get(`${this.name}.${key}`);
    const one = ArrayBuffer.isView(value) && new Set(value as Int32Array).size === 1 ? (value as Int32Array)[0] : value;
    if (one === undefined || typeof one === 'number') return one;
    throw malformed(this.file, `${this.name}.${key} is no number that all layers have`, key);
  }

  text(key: string): string | undefined {
    const value = this.metadata.get(`${this.name}.${key}`);
    if (value === undefined || typeof value === 'string') return value;
    throw malformed(this.file, `${this.name}.${key} is not a text`, key);
  }

  flag(key: string): boolean | undefined {
    const value = this.metadata.get(`${this.name}.${key}`);
    if (value === undefined || typeof value === 'boolean') return value;
    throw malformed(this.file, `${this.name}.${key} is neither true nor false`, key);
  }

  /** Numbers that may be missing, by their names in config.json. */
  numbers(names: Readonly<Record<string, string>>): JsonObject {
    return Object.fromEntries(Object.entries(names).map(([name, key]) => [name, this.number(key)]));
  }

  /** `true` where embeddings score words: the file has no other matrix. */
  get tied(): boolean {
    return !this.tensors.has('output.weight');
  }
}
