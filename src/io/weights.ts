/** Interfaces of a model's weights, for readers of any file format. Types alone, which folders and all readers of files share. */
import type { OpenOptions } from '../runtime/types.js';
import type { Consume } from './staging.js';

/** Element type, by its name in files. */
export type Dtype = string;

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Block of elements that share bytes, a scale among them, and its number of bytes: [1, 4] for F32. [1, NaN] for an unknown type. */
  readonly block: readonly [elements: number, bytes: number];
  readonly shape: readonly number[];
  /** Range of the tensor's bytes, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header<Metadata = ReadonlyMap<string, string>> {
  /** Tensors in the order of the file. */
  readonly tensors: readonly TensorInfo[];
  readonly metadata: Metadata;
}

export interface ReadOptions {
  /**
   * Bytes of a row: every chunk but the last is a multiple of it. Must be a multiple of an element's size, or of a block's, which is the default. Up to 256 KiB it
   * costs nothing; beyond, each chunk is one row, copied together.
   */
  granularity?: number;
}

/** Header's description of a tensor, and its file. */
export interface CheckpointEntry extends TensorInfo {
  /** Name of the file, for messages. */
  readonly file: string;
}

/** Tensor on its turn. Before the next one is asked for, `read` may be called once; a tensor that is not read is skipped. */
export interface CheckpointTensor extends CheckpointEntry {
  read(consume: Consume, options?: ReadOptions): Promise<void>;
}

export interface Progress {
  /** Name of the file being read, in the folder. */
  file: string;
  /** Number of bytes of the file's tensors so far. */
  loaded: number;
  /** Number of bytes of all tensors of the file. */
  total: number;
}

export interface CheckpointOptions extends OpenOptions {
  /** Callback with all tensors of all files before any is read; an error that it throws ends the visit. */
  check?: ((tensors: readonly CheckpointEntry[]) => void) | undefined;
  /** Callback after each tensor and, in a long one, after each chunk. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Headers of a checkpoint. */
export interface CheckpointHeaders {
  /** Tensors in the order of the files. */
  readonly tensors: readonly CheckpointEntry[];
  /** Number of bytes of all files, headers included; undefined where a file's length is not told. */
  readonly bytes: number | undefined;
}

/** Weights of a model, in any file format. */
export interface Checkpoint {
  /** Reads the headers: of a remote file no more than its front is fetched. */
  headers(options?: OpenOptions): Promise<CheckpointHeaders>;
  /** Yields every tensor, in the order of the files. */
  tensors(options?: CheckpointOptions): AsyncGenerator<CheckpointTensor, void>;
}
