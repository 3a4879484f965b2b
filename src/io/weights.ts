/** What a model's weights look like to whoever reads them, whatever files hold them. Types alone, which folders and all readers of files share. */
import type { OpenOptions } from '../runtime/types.js';
import type { Consume } from './staging.js';

/** A kind of elements, by its name in files. */
export type Dtype = string;

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /** Elements that share bytes, a scale among them, and how many bytes: [1, 4] of F32. [1, NaN] of a kind that is not known. */
  readonly block: readonly [elements: number, bytes: number];
  readonly shape: readonly number[];
  /** Where its bytes are, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header<Metadata = ReadonlyMap<string, string>> {
  /** In the order of the file. */
  readonly tensors: readonly TensorInfo[];
  readonly metadata: Metadata;
}

export interface ReadOptions {
  /**
   * Bytes of a row: every chunk but the last is a multiple of it. A multiple of an element's size, or of a block's, which is the default.
   * Up to 256 KiB it costs nothing; beyond, each chunk is one row, copied together.
   */
  granularity?: number;
}

/** What a header says of a tensor, and the file that says it. */
export interface CheckpointEntry extends TensorInfo {
  /** For messages. */
  readonly file: string;
}

/** A tensor on its turn. Before the next one is asked for, `read` may be called once; not calling it passes over the tensor. */
export interface CheckpointTensor extends CheckpointEntry {
  read(consume: Consume, options?: ReadOptions): Promise<void>;
}

export interface Progress {
  /** The file being read, by its name in the folder. */
  file: string;
  /** Bytes of its tensors so far. */
  loaded: number;
  /** Bytes of all its tensors. */
  total: number;
}

export interface CheckpointOptions extends OpenOptions {
  /** Sees all tensors of all files before any is read; what it throws ends the visit. */
  check?: ((tensors: readonly CheckpointEntry[]) => void) | undefined;
  /** Called after each tensor and, in a long one, after each chunk. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** What a checkpoint's headers say. */
export interface CheckpointHeaders {
  /** In the order of the files. */
  readonly tensors: readonly CheckpointEntry[];
  /** Bytes of all files, headers included; undefined where a file's length is not told. */
  readonly bytes: number | undefined;
}

/** A model's weights, whatever files hold them. */
export interface Checkpoint {
  /** What headers tell: of a file on the net no more than its front is fetched. */
  headers(options?: OpenOptions): Promise<CheckpointHeaders>;
  /** Every tensor, in the order of the files. */
  tensors(options?: CheckpointOptions): AsyncGenerator<CheckpointTensor, void>;
}
