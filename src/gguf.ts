/**
 * A GGUF file as a model's folder: config.json, the tokenizer's files and generation_config.json are made of its metadata, and its tensors are the weights, in
 * the file's own blocks. So whatever reads folders reads GGUF files. Which keys and names a file has is said by its architecture (`gguf` of llama.ts).
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
  /** What its tensors may be. */
  readonly sources: Sources = ggufSources;

  constructor(
    readonly folder: Folder,
    /** The file, by its name in the folder. */
    readonly file: string,
  ) {
    this.name = shown(folder.locate(file));
    this.weights = new GgufCheckpoint(folder, file);
  }

  over(change: (folder: Folder) => Folder): Folder {
    return new GgufFolder(change(this.folder), this.file);
  }

  /** Where what is made of the file stands, for messages: the file. */
  readonly locate = (file: string): string => `${this.name} (${file})`;

  async list(): Promise<readonly string[]> {
    return Object.keys(files);
  }

  /** What a file would hold, which is made when somebody asks for it. */
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

/** What files are made of. */
interface Given extends Pick<OpenOptions, 'signal'> {
  /** Of the GGUF file, for messages. */
  name: string;
  metadata: GgufMetadata;
  weights: GgufCheckpoint;
}

/** What a folder would have, by the files' names; undefined for what this one has not. */
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

/** Of an architecture that heed does not read the name alone, by which it is refused: its tokenizer may be of use. */
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

/** What ends a turn of a chat, where a file does not say by which token: the names that models have for it (llama-vocab.cpp). */
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

/** A turn of a chat ends as a text does, or by a mark of its own. */
function generationOf({ metadata }: Given): object {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const told = ['eos', 'eot', 'eom'].map((token) => idOf(metadata, token));
  const found = told[1] === undefined && tokens instanceof GgufTexts ? tokens.places(turnEnds) : [];
  const ends = [...new Set([...told, ...found])].filter((one) => typeof one === 'number');
  return defined({ ...idsOf(metadata), eos_token_id: ends.length > 1 ? ends : ends[0] });
}

/** What has a value, in objects inside too. */
const defined = (object: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(object)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, isObject(value) ? defined(value) : value]),
  );

/** A folder that is one GGUF file, read as a model's; any other as it is. */
export const ggufReader = (folder: Folder): Folder =>
  folder.single?.toLowerCase().endsWith('.gguf') ? new GgufFolder(folder, folder.single) : folder;
