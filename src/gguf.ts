/**
 * A GGUF file as a model's folder: config.json, the tokenizer's files and generation_config.json are made of its metadata, and its tensors are the weights, in the
 * file's own blocks. So code that reads folders reads GGUF files too. An architecture defines the keys and tensor names of its files (`gguf` of llama.ts).
 */
import { HeedError } from './errors.js';
import { byteStream } from './io/bytes.js';
import type { Folder } from './io/folder.js';
import type { GgufMetadata } from './io/gguf.js';
import { GgufCheckpoint } from './io/gguf_checkpoint.js';
import { GgufTexts } from './io/gguf_texts.js';
import { malformed } from './io/header.js';
import { isObject, type JsonObject } from './io/json.js';
import { shown } from './io/location.js';
import { registered } from './models/architecture.js';
import { GgufKeys } from './models/gguf_keys.js';
import { rotaryTensors } from './models/gguf_rotary.js';
import { ggufSources } from './nn/formats/gguf.js';
import type { Sources } from './nn/formats/sources.js';
import type { OpenOptions } from './runtime/types.js';
import { tokenizerConfigInGguf, tokenizerInGguf } from './text/gguf.js';

export class GgufFolder implements Folder {
  readonly name: string;
  readonly weights: GgufCheckpoint;
  /** Element types that the file's tensors may have. */
  readonly sources: Sources = ggufSources;

  constructor(
    readonly folder: Folder,
    /** Name of the file in the folder. */
    readonly file: string,
  ) {
    this.name = shown(folder.locate(file));
    this.weights = new GgufCheckpoint(folder, file);
  }

  over(change: (folder: Folder) => Folder): Folder {
    return new GgufFolder(change(this.folder), this.file);
  }

  /** Location of a generated file, for messages: that of the GGUF file. */
  readonly locate = (file: string): string => `${this.name} (${file})`;

  async list(): Promise<readonly string[]> {
    return Object.keys(files);
  }

  /** Contents of a generated file, made on demand. */
  async json(file: string, { signal }: OpenOptions = {}): Promise<object> {
    const metadata = await this.weights.metadata({ signal });
    const make = Object.hasOwn(files, file) ? files[file] : undefined;
    const json = await make?.({ name: this.name, metadata, weights: this.weights, signal });
    if (json === undefined) throw new HeedError('NOT_FOUND', `${this.name} has no ${file}`, { culprit: file });
    return json;
  }

  async open(file: string, options: OpenOptions = {}) {
    return byteStream(new TextEncoder().encode(JSON.stringify(await this.json(file, options))), this.locate(file));
  }
}

/** Sources of generated files. */
interface Given extends Pick<OpenOptions, 'signal'> {
  /** Name of the GGUF file, for messages. */
  name: string;
  metadata: GgufMetadata;
  weights: GgufCheckpoint;
}

/** Makers of generated files, by the files' names; they return undefined for a file that this folder does not have. */
const files: Readonly<Record<string, (given: Given) => object | undefined | Promise<object>>> = {
  'config.json': configOf,
  'generation_config.json': generationOf,
  'tokenizer.json': ({ name, metadata }) => tokenizerInGguf(name, metadata),
  'tokenizer_config.json': ({ name, metadata }) => tokenizerConfigInGguf(name, metadata),
};

const idOf = (metadata: GgufMetadata, token: string) => metadata.get(`tokenizer.ggml.${token}_token_id`);
const idsOf = (metadata: GgufMetadata) => {
  const [bos_token_id, eos_token_id, pad_token_id] = ['bos', 'eos', 'padding'].map((token) => idOf(metadata, token));
  return { bos_token_id, eos_token_id, pad_token_id };
};

/** Makes config.json. For an architecture that heed does not read, it has the name alone, by which the model is refused: the tokenizer may still be of use. */
async function configOf({ name: file, metadata, weights, signal }: Given): Promise<object> {
  const name = metadata.get('general.architecture');
  const found = [...registered()].find(({ gguf }) => gguf?.name === name);
  if (typeof name !== 'string') throw malformed(file, 'it does not name an architecture', 'general.architecture');
  if (!found?.gguf) return { model_type: name };
  const { tensors: listed } = await weights.headers({ signal });
  const tensors = new Set(listed.map((tensor) => tensor.name));
  const factors = rotaryTensors.some((one) => tensors.has(one)) ? await weights.vectors(rotaryTensors, { signal }) : new Map();
  const tokens = metadata.get('tokenizer.ggml.tokens');
  return {
    ...defined({ model_type: found.name, ...idsOf(metadata) }),
    ...(tokens instanceof GgufTexts && { vocab_size: tokens.length }),
    ...defined(found.gguf.config(new GgufKeys(file, metadata, name, tensors, factors))),
  };
}

/** Tokens that end a turn of a chat, where a file does not name its own: the names that models use (llama-vocab.cpp). */
const turnEnds = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<end_of_turn>',
  '<end_of_utterance>',
  '<|end_of_turn|>',
  '<|eom_id|>',
  '<EOT>',
  '[EOT]',
];

/** Makes generation_config.json: a turn of a chat ends with the token that ends a text, or with a token of its own. */
function generationOf({ metadata }: Given): object {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const told = ['eos', 'eot', 'eom'].map((token) => idOf(metadata, token));
  const found = told[1] === undefined && tokens instanceof GgufTexts ? tokens.places(turnEnds) : [];
  const ends = [...new Set([...told, ...found])].filter((one) => typeof one === 'number');
  return defined({ ...idsOf(metadata), eos_token_id: ends.length > 1 ? ends : ends[0] });
}

/** Returns an object without its undefined members, in nested objects too. */
const defined = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, isObject(value) ? defined(value) : value]),
  );

/** Reads a folder that is one GGUF file as a model's; any other folder is returned as it is. */
export const ggufReader = (folder: Folder): Folder =>
  folder.single?.toLowerCase().endsWith('.gguf') ? new GgufFolder(folder, folder.single) : folder;
