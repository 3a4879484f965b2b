/**
 * Events for a `progress_callback` about a model's files, as in transformers.js: a file is requested, arrives, how many bytes of it and of all files have come, and
 * is complete. For a file that is fetched as a whole, they count the download; for others, the reading.
 */
import { HeedError, kindOf } from '../errors.js';
import type { ByteStream } from '../runtime/types.js';
import type { Folder } from './folder.js';

interface FileEvent {
  /** Name by which the model was asked for. */
  name: string;
  /** Name of the file in the model's folder. */
  file: string;
}

interface Amount {
  /** Number of bytes that have come. */
  loaded: number;
  /** Number of bytes in all. */
  total: number;
  /** Progress in percent. */
  progress: number;
}

interface ByteCount {
  /** Number of bytes that have come. */
  loaded: number;
  /** Number of bytes in all. */
  total: number;
}

/** Progress events as in transformers.js: of a file, of all files known so far, of the model. */
export type ProgressEvent =
  | (FileEvent & {
      /** Stage of a file: requested, arriving, complete. */
      status: 'initiate' | 'download' | 'done';
    })
  | (FileEvent &
      Amount & {
        /** Progress of a file. */
        status: 'progress';
      })
  | (Amount & {
      /** Progress of all files together. */
      status: 'progress_total';
      /** Name by which the model was asked for. */
      name: string;
      /** Progress of each file, in bytes. */
      files: Record<string, ByteCount>;
    })
  | {
      /** End of loading: the model can be used. */
      status: 'ready';
      /** Name by which the model was asked for. */
      model: string;
      /** Task of a pipeline. */
      task?: string;
    };

export type Listen = (event: ProgressEvent) => void;

/** Throws ARGUMENT for a progress_callback that is no function. */
export function checkListener(listen: unknown): void {
  if (listen !== undefined && typeof listen !== 'function')
    throw new HeedError('ARGUMENT', `progress_callback is ${kindOf(listen)}`, { culprit: 'progress_callback', cure: 'Give a function' });
}

/** Folder whose files are reported to a listener. */
export interface ObservedFolder extends Folder {
  /** Folder without reports. */
  readonly unobserved: Folder;
  /** Reports the number of bytes of a file that have been used. */
  progress(file: string, loaded: number, total: number): void;
}

export const isObserved = (folder: Folder): folder is ObservedFolder => 'progress' in folder;

/** Bytes of a file below which only its completion is reported. */
const SMALL = 1 << 16;

const isWeights = (file: string): boolean => /\.(safetensors|gguf)$/i.test(file);

/**
 * Returns a folder that reports the files that are opened in it to `listen`. An error that the listener throws ends the read. Where `weights` are to come, totals of
 * all files are reported only once the weights are among them: else small files would be the total at first, and a progress bar would go back.
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
  /** Bytes that have come of files of unknown size: a compressed response tells its own length, not that of its contents. */
  const came = new Map<string, number>();
  const progress = (file: string, at: number, told: number | undefined) => {
    const known = files[file] ?? { loaded: -1, total: 0 };
    const sure = told !== undefined && at <= told;
    // Until the last piece, a file of unknown size counts as not complete: so a total never shrinks, and only a file that has ended is complete.
    const loaded = sure ? at : (came.get(file) ?? 0);
    const total = Math.max(known.total, sure ? told : at);
    came.set(file, at);
    // A downloaded file is read afterwards, with counts of its own.
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
      // Weights are read ahead of their use, which their reader reports.
      if (isWeights(file)) return stream;
      return counted(stream, (loaded) => {
        progress(file, loaded, loaded);
        once('done', file);
      });
    },
  });
  return Object.assign(folder.over?.(observe) ?? observe(folder), { unobserved: folder, progress });
}

/** Wraps a stream, and calls `ended` when it has been read to its end. */
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
