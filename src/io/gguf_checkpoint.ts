/**
 * The weights of a GGUF file, or of one that is split into `name-00001-of-0000N.gguf` and so on by llama.cpp's gguf-split: the first file has the metadata, each one
 * a table of its own tensors. Tables are read first, from remote files no more than their fronts, so that a model that does not fit is refused before it is
 * downloaded.
 */
import { HeedError } from '../errors.js';
import type { OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { type GgufFront, type GgufMetadata, openGguf } from './gguf.js';
import { partNames } from './gguf_parts.js';
import { malformed, quote } from './header.js';
import { shown } from './location.js';
import type { Checkpoint, CheckpointEntry, CheckpointHeaders, CheckpointOptions, CheckpointTensor } from './weights.js';

/** Bytes of a file to request first: the header of SmolLM2, whose vocabulary has 49,152 pieces, has 1.7 MB. */
const FRONT = 1 << 21;

/** Header of a file, and its name in the folder. */
interface Part extends GgufFront {
  readonly file: string;
}

export class GgufCheckpoint implements Checkpoint {
  readonly #files: readonly string[];
  #parts: Promise<readonly Part[]> | undefined;

  constructor(
    readonly folder: Folder,
    file: string,
  ) {
    this.#files = partNames(file);
  }

  /** Metadata of the file. */
  async metadata(options: OpenOptions = {}): Promise<GgufMetadata> {
    return ((await this.#read(options))[0] as Part).metadata;
  }

  async headers(options: OpenOptions = {}): Promise<CheckpointHeaders> {
    const parts = await this.#read(options);
    const bytes = parts.reduce((sum, { size }) => sum + (size ?? Number.NaN), 0);
    return { tensors: parts.flatMap((part) => this.#entries(part)), bytes: Number.isNaN(bytes) ? undefined : bytes };
  }

  /** Headers, read once for all callers; after a failure they are read again. */
  #read({ signal }: OpenOptions): Promise<readonly Part[]> {
    if (!this.#parts) {
      const parts = this.#fronts(signal);
      this.#parts = parts;
      parts.catch(() => {
        if (this.#parts === parts) this.#parts = undefined;
      });
    }
    return this.#parts;
  }

  async #fronts(signal: AbortSignal | undefined): Promise<readonly Part[]> {
    const parts: Part[] = [];
    for (const file of this.#files) {
      const opened = await openGguf(await this.folder.open(file, { signal, bytes: FRONT }));
      await opened.close();
      parts.push({ ...opened.front, file });
    }
    this.#check(parts);
    return parts;
  }

  /** Throws unless the parts are all files of the split, in their order. */
  #check(parts: readonly Part[]): void {
    const names = new Set<string>();
    // A count may be anything in a hostile file, and long.
    const short = (value: unknown) => String(value).slice(0, 20);
    for (const [i, { file, metadata, tensors }] of parts.entries()) {
      const [count, at] = [metadata.get('split.count') ?? 1, metadata.get('split.no') ?? 0];
      const bad = (what: string, culprit: string) => malformed(shown(this.folder.locate(file)), what, culprit);
      if (count !== parts.length && !(count === 0 && parts.length === 1))
        throw Object.assign(bad(`it is one of ${short(count)} files, and ${parts.length} are named`, 'split.count'), {
          cure: 'Name them as name-00001-of-0000N.gguf, and give the first',
        });
      if (at !== i && parts.length > 1) throw bad(`it is number ${short(at)} of the split, by its name ${i}`, 'split.no');
      for (const { name } of tensors) {
        if (names.has(name)) throw bad(`tensor ${quote(name)} is in a file before it, too`, name);
        names.add(name);
      }
    }
    const told = (parts[0] as Part).metadata.get('split.tensors.count');
    if (parts.length > 1 && told !== undefined && told !== names.size)
      throw malformed(
        shown(this.folder.locate(this.#files[0] as string)),
        `its files have ${names.size} tensors, and it tells of ${short(told)}`,
      );
  }

  #entries({ file, tensors }: Part): CheckpointEntry[] {
    const name = shown(this.folder.locate(file));
    return tensors.map((tensor) => ({ ...tensor, file: name }));
  }

  /** Reads small float32 tensors by their names, and no bytes behind the last of them. */
  async vectors(names: readonly string[], options: OpenOptions = {}): Promise<ReadonlyMap<string, Float32Array>> {
    const found = new Map<string, Float32Array>();
    for (const part of await this.#read(options)) {
      const wanted = part.tensors.filter(({ name }) => names.includes(name));
      if (wanted.length === 0) continue;
      const bytes = part.data + (wanted.at(-1)?.end ?? 0);
      const file = await openGguf(await this.folder.open(part.file, { signal: options.signal, bytes }), part);
      try {
        for (const tensor of wanted) {
          if (tensor.dtype !== 'F32' || tensor.end - tensor.begin > 1 << 16)
            throw new HeedError('DTYPE', `${file.name}: ${quote(tensor.name)} is ${tensor.dtype} [${tensor.shape}]`, {
              ...{ culprit: tensor.name, shape: tensor.shape, cure: 'It must be a few numbers in F32' },
            });
          found.set(tensor.name, new Float32Array((await file.bytes(tensor)).buffer as ArrayBuffer));
        }
      } finally {
        await file.close();
      }
    }
    return found;
  }

  async *tensors({ signal, check, onProgress }: CheckpointOptions = {}): AsyncGenerator<CheckpointTensor, void> {
    const parts = await this.#read({ signal });
    const entries = parts.map((part) => this.#entries(part));
    check?.(entries.flat());
    for (const [i, part] of parts.entries()) {
      const file = await openGguf(await this.folder.open(part.file, { signal }), part);
      const report = (loaded: number) => onProgress?.({ file: part.file, loaded, total: file.size });
      try {
        for (const entry of entries[i] as readonly CheckpointEntry[]) {
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
}
