/**
 * A GGUF file as a model's folder: config.json, the tokenizer's files and generation_config.json are made of its metadata, and its tensors are the weights, in
 * the file's own blocks. So whatever reads folders reads GGUF files. Which keys and names a file has is said by its architecture (`gguf` of llama.ts).
 */
import { HeedError } from './errors.js';
import { byteStream } from './io/bytes.js';
import type { Folder } from './io/folder.js';
import { GgufTexts } from './io/gguf.js';
import { GgufCheckpoint } from './io/gguf_checkpoint.js';
import { quote } from './io/header.js';
import { isObject, type JsonObject } from './io/json.js';
import { shown } from './io/location.js';
import { registered } from './models/architecture.js';
import { GgufKeys } from './models/gguf_keys.js';
import { rotaryTensors } from './models/gguf_rotary.js';
import { ggufSources } from './nn/formats/gguf.js';
import type { Sources } from './nn/formats/sources.js';
import type { OpenOptions } from './runtime/types.js';
import { tokenizerInGguf } from './text/gguf.js';

export class GgufFolder implements Folder {
  readonly name: string;
  readonly weights: GgufCheckpoint;
  /** What its tensors may be. */
  readonly sources: Sources = ggufSources;
  #files: Promise<Record<string, object>> | undefined;

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
    return Object.keys(await this.#made({}));
  }

  async json(file: string, options: OpenOptions = {}): Promise<object> {
    const files = await this.#made(options);
    const json = Object.hasOwn(files, file) ? files[file] : undefined;
    if (json === undefined) throw new HeedError('NOT_FOUND', `${this.name} has no ${file}`, { culprit: file });
    return json;
  }

  async open(file: string, options: OpenOptions = {}) {
    return byteStream(new TextEncoder().encode(JSON.stringify(await this.json(file, options))), this.locate(file));
  }

  /** What a folder would have, as objects: made once, and anew after a failure. */
  #made(options: OpenOptions): Promise<Record<string, object>> {
    this.#files ??= this.#make(options);
    this.#files.catch(() => {
      this.#files = undefined;
    });
    return this.#files;
  }

  async #make({ signal }: OpenOptions): Promise<Record<string, object>> {
    const metadata = await this.weights.metadata({ signal });
    const headers = await this.weights.headers({ signal });
    const name = metadata.get('general.architecture');
    const found = [...registered()].find(({ gguf }) => gguf?.name === name);
    if (!found?.gguf)
      throw new HeedError('UNSUPPORTED', `${this.name}: heed has no GGUF architecture ${quote(String(name))}`, {
        culprit: 'general.architecture',
        cure: `It has ${[...registered()].flatMap(({ gguf }) => gguf?.name ?? []).join(', ') || 'none'}`,
      });
    const tensors = new Set(headers.tensors.map((tensor) => tensor.name));
    const id = (token: string) => metadata.get(`tokenizer.ggml.${token}_token_id`);
    const ids = { bos_token_id: id('bos'), eos_token_id: id('eos'), pad_token_id: id('padding') };
    const listed = metadata.get('tokenizer.ggml.tokens');
    const factors = rotaryTensors.some((one) => tensors.has(one)) ? await this.weights.vectors(rotaryTensors, { signal }) : new Map();
    const keys = new GgufKeys(this.name, metadata, String(name), tensors, factors);
    const config: JsonObject = {
      ...defined({ model_type: found.name, ...ids }),
      ...(listed instanceof GgufTexts && { vocab_size: listed.length }),
      ...defined(found.gguf.config(keys)),
    };
    // A turn of a chat ends as a text does, or by a mark of its own.
    const ends = [id('eos'), id('eot'), id('eom')].filter((one) => typeof one === 'number');
    return {
      'config.json': config,
      'generation_config.json': defined({ ...ids, eos_token_id: ends.length > 1 ? [...new Set(ends)] : ends[0] }),
      ...tokenizerInGguf(this.name, metadata),
    };
  }
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
