/**
 * What a `progress_callback` hears of the files of a model, in transformers.js's events: that a file is asked for, that it comes, how much of it and of all
 * there is, that it is here. Of a file that is fetched as a whole, that is the download; of another, the reading.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ByteStream } from '../runtime/types.js';
import type { Folder } from './folder.js';

interface FileEvent {
  /** As the model was asked for. */
  name: string;
  /** The file's name in the model's folder. */
  file: string;
}

interface Amount {
  /** Bytes that have come. */
  loaded: number;
  /** Bytes that there are. */
  total: number;
  /** Percent. */
  progress: number;
}

interface ByteCount {
  /** Bytes that have come. */
  loaded: number;
  /** Bytes that there are. */
  total: number;
}

/** transformers.js's progress events: of a file, of all files that are known by then, of the model. */
export type ProgressEvent =
  | (FileEvent & {
      /** A file is asked for; it comes; it is here. */
      status: 'initiate' | 'download' | 'done';
    })
  | (FileEvent &
      Amount & {
        /** So much of a file is here. */
        status: 'progress';
      })
  | (Amount & {
      /** So much of all files together is here. */
      status: 'progress_total';
      /** As the model was asked for. */
      name: string;
      /** Of each file, in bytes. */
      files: Record<string, ByteCount>;
    })
  | {
      /** The model can be used. */
      status: 'ready';
      /** As it was asked for. */
      model: string;
      /** Of a pipeline. */
      task?: string;
    };

export type Listen = (event: ProgressEvent) => void;

/** Throws ARGUMENT for a progress_callback that is none. */
export function checkListener(listen: unknown): void {
  if (listen !== undefined && typeof listen !== 'function')
    throw new HeedError('ARGUMENT', `progress_callback is ${kindOf(listen)}`, { culprit: 'progress_callback', cure: 'Give a function' });
}

/** A folder whose files are told of. */
export interface ObservedFolder extends Folder {
  /** The folder itself. */
  readonly unobserved: Folder;
  /** Bytes of a file that have been used. */
  progress(file: string, loaded: number, total: number): void;
}

export const isObserved = (folder: Folder): folder is ObservedFolder => 'progress' in folder;

/** Bytes of a file of which nobody needs to hear before it is there. */
const SMALL = 1 << 16;

const isWeights = (file: string): boolean => /\.(safetensors|gguf)$/i.test(file);

/**
 * The same folder, and `listen` hears of what is opened in it. What that throws ends the read. Where `weights` are to come, of all files together it hears
 * only when theirs are among them: else small files would be all that there is at first, and a bar go back.
 */
export function observed(folder: Folder, listen: Listen, { name = folder.name, weights = true } = {}): ObservedFolder {
  const files: Record<string, { loaded: number; total: number }> = {};
  const begun = new Set<string>();
  const once = (status: 'initiate' | 'download' | 'done', file: string) => {
    if (begun.has(`${status} ${file}`)) return;
    begun.add(`${status} ${file}`);
    listen({ status, name, file });
  };
  const amount = (loaded: number, total: number): Amount => ({ loaded, total, progress: total ? (100 * loaded) / total : 0 });
  /** Bytes that have come of files whose size nobody tells: a compressed response says how long it is, and not what comes out of it. */
  const came = new Map<string, number>();
  const progress = (file: string, at: number, told: number | undefined) => {
    const known = files[file] ?? { loaded: -1, total: 0 };
    const sure = told !== undefined && at <= told;
    // There is more than what came last, or this is not the last: so a total never shrinks, and only what has ended is complete.
    const loaded = sure ? at : (came.get(file) ?? 0);
    const total = Math.max(known.total, sure ? told : at);
    came.set(file, at);
    // What was downloaded is read afterwards, by other counts.
    if (loaded <= known.loaded || begun.has(`done ${file}`)) return;
    once('download', file);
    files[file] = { loaded, total };
    const all = Object.values(files);
    const sum = (key: 'loaded' | 'total') => all.reduce((bytes, one) => bytes + one[key], 0);
    if (!weights || Object.keys(files).some(isWeights))
      listen({ status: 'progress_total', name, ...amount(sum('loaded'), sum('total')), files: structuredClone(files) });
    listen({ status: 'progress', name, file, ...amount(loaded, total) });
    if (loaded >= total) once('done', file);
  };
  const observe = (folder: Folder): Folder => ({
    name: folder.name,
    remote: folder.remote,
    ...(folder.single !== undefined && { single: folder.single }),
    locate: (file) => folder.locate(file),
    ...(folder.list && { list: (options) => (folder.list as NonNullable<Folder['list']>)(options) }),
    async open(file, options) {
      once('initiate', file);
      if (options?.bytes !== undefined) {
        const front = await folder.open(file, options);
        if (front.size !== undefined) files[file] ??= { loaded: 0, total: front.size };
        return front;
      }
      let fetched: number | undefined;
      const onFetch = (loaded: number, total: number | undefined) => {
        options?.onFetch?.(loaded, total);
        fetched = loaded;
        // A small file may be smaller than its compressed form.
        if (total === undefined || total >= SMALL) progress(file, loaded, total);
      };
      const stream = await folder.open(file, { ...options, onFetch });
      once('download', file);
      if (fetched !== undefined) progress(file, fetched, fetched);
      // Weights are read ahead of their use, which their reader tells.
      if (isWeights(file)) return stream;
      return counted(stream, (loaded) => {
        progress(file, loaded, loaded);
        once('done', file);
      });
    },
  });
  return Object.assign(folder.over?.(observe) ?? observe(folder), { unobserved: folder, progress });
}

/** A stream that tells when it has been read to its end. */
function counted(stream: ByteStream, ended: (loaded: number) => void): ByteStream {
  let loaded = 0;
  return {
    name: stream.name,
    size: stream.size,
    async read(target) {
      const count = await stream.read(target);
      loaded += count;
      if (count === 0 && target.length > 0) ended(loaded);
      return count;
    },
    close: () => stream.close(),
  };
}
