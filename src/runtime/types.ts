/**
 * What heed asks of the place it runs in, and nothing more. Each JavaScript runtime has one file beside this that
 * implements `Runtime`; `src/entry` hands it to the engine. No other file looks at a global to find out where it is.
 */

// TypeScript has WebAssembly in the DOM's library only. Where a program does without, these stand in for it; where it does not, they add nothing.
declare global {
  namespace WebAssembly {
    interface Module {}
    interface Memory {}
  }
}

/** The builds of the kernels: threads need a shared memory, and one relaxed opcode makes a whole module invalid elsewhere. */
export const binaries = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads'] as const;
export type Binary = (typeof binaries)[number];

/** What a worker needs to become a thread of an engine. */
export interface WorkerInit {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Address of the control block (engine/control.ts). */
  control: number;
  /** This thread's number; the caller is 0. */
  lane: number;
}

export interface WorkerHandle {
  /** Settles when the thread waits for work; rejects when it could not start. */
  readonly ready: Promise<void>;
  /** Settles when the thread has ended, however it ended. */
  readonly ended: Promise<void>;
  terminate(): void;
}

/** Where messages go in and out: a Worker, a worker's own scope, a MessagePort. */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** A MessagePort is silent until it is started. */
  start?(): void;
  addEventListener(type: 'message' | 'messageerror' | 'error', listener: (event: { data?: unknown; message?: string }) => void): void;
}

/** A worker that runs whole models for a page (src/remote). */
export interface HostHandle {
  readonly port: Port;
  /** Rejects when the worker cannot be started, or fails later. */
  readonly failed: Promise<never>;
  /** Undefined where the worker is somebody else's. */
  readonly terminate: (() => void) | undefined;
}

/** Bytes in order, from a file or a response. */
export interface ByteStream {
  /** Path or URL, for messages. */
  readonly name: string;
  /** Length in bytes where it is known beforehand. */
  readonly size: number | undefined;
  /** Fills the front of `target` and returns how many bytes it wrote; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  /** How many bytes at the front are wanted, where not all are: no more need be fetched for them. The size that the stream tells is the whole file's. */
  bytes?: number | undefined;
}

export interface Runtime {
  readonly name: string;
  /** Cores that this process may use, a container's quota included. */
  cores(): number;
  /** Why there can be no threads here; undefined where there can. */
  noThreads(): string | undefined;
  /** The compiled kernels. */
  loadModule(binary: Binary): Promise<WebAssembly.Module>;
  /** Starts a thread of an engine. It does not keep the process alive. */
  startWorker(init: WorkerInit): WorkerHandle;
  /** Whether this thread draws a page, and so should leave models to another. */
  drawsPage(): boolean;
  /** Starts a worker that runs models. Throws where there can be none. */
  startHost(): HostHandle;
  /** Whether something is at a path; false where there are no paths. */
  exists(path: string): Promise<boolean>;
  /** Opens a path or URL. Throws NOT_FOUND where there is nothing, NETWORK where it cannot be had. */
  open(location: string, options?: OpenOptions): Promise<ByteStream>;
  /**
   * Writes a file, and the folders above it: to a temporary name beside it, flushed to the disk, then renamed, so that it is there as a whole or as it was
   * before. Gives its length in bytes. Throws STORAGE where that fails, and leaves no temporary file; UNSUPPORTED where there are no files.
   */
  writeFile(location: string, chunks: Iterable<Uint8Array>): Promise<number>;
  /** Adds to the end of a file, which begins with this where there is none, as do the folders above it. Throws STORAGE, UNSUPPORTED. */
  appendFile(location: string, bytes: Uint8Array): Promise<void>;
  /** Names of what is in a folder, in no order; those of `writeFile` that were never finished end in `.tmp`. Throws NOT_FOUND, UNSUPPORTED. */
  listFolder(folder: string): Promise<string[]>;
  /** Removes a file, if it is there. Throws STORAGE, UNSUPPORTED. */
  removeFile(location: string): Promise<void>;
  /** Lets the event loop have a turn: timers, I/O, an abort. */
  pause(): Promise<void>;
  /** A location as it stands for itself, whoever reads it. */
  resolve(location: string): string;
  /** The location of a file in a folder or below a URL. */
  join(folder: string, file: string): string;
}
