/** The real folder that every mutation starts from, and a runtime that reads whatever stands in `folder.files` at the moment. */
import { readFileSync } from 'node:fs';
import { nodeRuntime } from '../../dist/runtime/node.js';
import type { Runtime } from '../../dist/runtime/types.js';
import type { Random } from '../cases/random.js';
import { memoryRuntime } from '../io/memory.js';
import { readWeights, writeWeights } from '../models/files.js';
import { quantizedModel } from '../models/quantized_files.js';
import { tokenizers } from './tokenizers.js';

/** Bytes by path. Never changed in place: a mutation gives a new record with new bytes. */
export type Files = Readonly<Record<string, Uint8Array>>;

const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'modules.json', 'sentence_bert_config.json'];
const read = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/bert-tiny/${name}`, import.meta.url)));

export const pristine: Files = Object.fromEntries(
  [...names, '1_Pooling/config.json', 'model.safetensors'].map((name) => [name, read(name)]),
);

/** The same model in 8 bits, which a test writes by the format's definition. */
const { config, weights } = quantizedModel(
  JSON.parse(new TextDecoder().decode(pristine['config.json'])),
  readWeights(pristine['model.safetensors'] as Uint8Array),
);
export const quantized: Files = {
  ...pristine,
  'config.json': new TextEncoder().encode(JSON.stringify(config)),
  'model.safetensors': writeWeights(weights),
};

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
export const pick = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)] as T;

/** Every file that BERT's tokenizer.json could be instead, with ids that the model has. */
export const allTokenizers: readonly Uint8Array[] = [
  pristine['tokenizer.json'] as Uint8Array,
  ...tokenizers.map((t) => encode(JSON.stringify(t))),
];

/** The folder `m`, what is written beside it, and how many files are open. */
export class Folder {
  readonly runtime: Runtime;
  #files: Record<string, Uint8Array> = {};
  #memory: ReturnType<typeof memoryRuntime> = memoryRuntime({});

  constructor() {
    const open: Runtime['open'] = (location, options) => this.#memory.runtime.open(location, options);
    const writeFile: Runtime['writeFile'] = async (location, chunks) => {
      const bytes = new Uint8Array(Buffer.concat(Array.from(chunks, (chunk) => chunk.slice())));
      this.#files[location] = bytes;
      return bytes.length;
    };
    this.runtime = { ...nodeRuntime, open, writeFile, join: this.#memory.runtime.join };
  }

  /** What is read from now on; streams are as bad as `stream` says. */
  put(files: Files, stream: StreamOptions = {}): void {
    this.#files = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`m/${name}`, bytes]));
    this.#memory = memoryRuntime(this.#files, stream);
  }

  /** What was written into a folder. */
  written(folder: string): Files {
    const own = Object.entries(this.#files).filter(([location]) => location.startsWith(`${folder}/`));
    return Object.fromEntries(own.map(([location, bytes]) => [location.slice(folder.length + 1), bytes]));
  }

  get open(): number {
    return this.#memory.state.opened - this.#memory.state.closed;
  }
}

export interface StreamOptions {
  /** Whether a file's length is known beforehand. */
  size?: boolean;
  /** The most bytes that come at a time. */
  most?: number;
}
