/**
 * A GGUF file as a model's folder: config.json, the tokenizer's files and generation_config.json are made of its metadata, and its tensors are the weights, in
 * the file's own blocks. So whatever reads folders reads GGUF files. Which keys and names a file has is said by its architecture (`gguf` of llama.ts).
 */
import { HeedError } from './errors.js';
import { byteStream } from './io/bytes.js';
import type { Folder } from './io/folder.js';
import { type GgufFile, type GgufMetadata, openGguf } from './io/gguf.js';
import { quote } from './io/header.js';
import type { JsonObject } from './io/json.js';
import type { Checkpoint, CheckpointEntry, CheckpointHeaders, CheckpointOptions, CheckpointTensor, TensorInfo } from './io/weights.js';
import { registered } from './models/architecture.js';
import { GgufKeys } from './models/gguf_keys.js';
import { ggufSources } from './nn/formats/gguf.js';
import type { Sources } from './nn/formats/sources.js';
import type { OpenOptions } from './runtime/types.js';
import { tokenizerInGguf } from './text/gguf.js';

/** What a file's header tells. */
interface Front {
  metadata: GgufMetadata;
  headers: CheckpointHeaders;
  /** Numbers that are no weights: what frequencies of rotary positions are divided by. */
  lists: ReadonlyMap<string, readonly number[]>;
}

/** Tensors whose numbers belong into config.json, and the most elements of one. */
const isList = ({ name, dtype, shape: [count = 0, ...rest] }: TensorInfo) =>
  /^rope_f\w+\.weight$/.test(name) && dtype === 'F32' && count <= 4096 && rest.length === 0;

export class GgufFolder implements Folder {
  readonly name: string;
  /** What its tensors may be. */
  readonly sources: Sources = ggufSources;
  #front: Promise<Front> | undefined;

  constructor(
    readonly folder: Folder,
    /** The file, by its name in the folder. */
    readonly file: string,
  ) {
    this.name = folder.locate(file);
  }

  /** Where what is made of the file stands, for messages: the file. */
  readonly locate = (file: string): string => `${this.name} (${file})`;

  async list(): Promise<readonly string[]> {
    return Object.keys(await this.#files({}));
  }

  async open(file: string, options: OpenOptions = {}) {
    const files = await this.#files(options);
    const json = Object.hasOwn(files, file) ? files[file] : undefined;
    if (json === undefined) throw new HeedError('NOT_FOUND', `${this.name} has no ${file}`, { culprit: file });
    return byteStream(new TextEncoder().encode(JSON.stringify(json)), this.locate(file));
  }

  get weights(): Checkpoint {
    return {
      headers: async (options = {}) => (await this.#read(options)).headers,
      tensors: (options) => this.#tensors(options),
    };
  }

  /** The header, read once for all who ask; after a failure it is read anew. */
  #read({ signal }: Pick<OpenOptions, 'signal'>): Promise<Front> {
    this.#front ??= this.#headed(signal);
    this.#front.catch(() => {
      this.#front = undefined;
    });
    return this.#front;
  }

  async #headed(signal: AbortSignal | undefined): Promise<Front> {
    const stream = await this.folder.open(this.file, { signal });
    const bytes = stream.size;
    const file = await openGguf(stream);
    try {
      const lists = new Map<string, readonly number[]>();
      for (const tensor of file.tensors.filter(isList)) lists.set(tensor.name, [...new Float32Array((await file.bytes(tensor)).buffer)]);
      return { metadata: file.metadata, headers: { tensors: entriesOf(file), bytes }, lists };
    } finally {
      await file.close();
    }
  }

  /** What a folder would have, as objects. */
  async #files(options: OpenOptions): Promise<Record<string, object>> {
    const { metadata, headers, lists } = await this.#read(options);
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
    const keys = new GgufKeys(this.name, metadata, String(name), tensors, lists);
    const config: JsonObject = {
      ...{ model_type: found.name, ...ids },
      ...(Array.isArray(listed) && { vocab_size: listed.length }),
      ...defined(found.gguf.config(keys)),
    };
    // A turn of a chat ends as a text does, or by a mark of its own.
    const ends = [id('eos'), id('eot'), id('eom')].filter((one) => typeof one === 'number');
    return {
      'config.json': defined(config),
      'generation_config.json': defined({ ...ids, eos_token_id: ends.length > 1 ? [...new Set(ends)] : ends[0] }),
      ...tokenizerInGguf(this.name, metadata),
    };
  }

  async *#tensors({ signal, check, onProgress }: CheckpointOptions = {}): AsyncGenerator<CheckpointTensor, void> {
    const file = await openGguf(await this.folder.open(this.file, { signal }));
    try {
      const entries = entriesOf(file);
      check?.(entries);
      const report = (loaded: number) => onProgress?.({ file: this.file, loaded, total: file.size });
      for (const entry of entries) {
        signal?.throwIfAborted();
        yield {
          ...entry,
          read: (consume, options) =>
            file.read(
              entry,
              (chunk, offset) => {
                const done = consume(chunk, offset);
                report(Math.min(entry.begin + offset + chunk.length, entry.end));
                return done;
              },
              options,
            ),
        };
        report(entry.end);
      }
      await file.end();
    } finally {
      await file.close();
    }
  }
}

const entriesOf = (file: GgufFile): CheckpointEntry[] => file.tensors.map((tensor) => ({ ...tensor, file: file.name }));
const defined = (object: JsonObject): JsonObject => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

/** A folder that is one GGUF file, read as a model's; any other as it is. */
export const ggufReader = (folder: Folder): Folder => (folder.single?.endsWith('.gguf') ? new GgufFolder(folder, folder.single) : folder);
