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
/** A build of the kernels by its name. */
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
  /** Sends a message. What is in `transfer` moves, and is empty here afterwards. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** A MessagePort is silent until it is started. */
  start?(): void;
  /** Hears of messages that come, and of failures. */
  addEventListener(
    type: 'message' | 'messageerror' | 'error',
    listener: (event: {
      /** What a message brings. */
      data?: unknown;
      /** What an error says. */
      message?: string;
    }) => void,
  ): void;
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
  /** Gives it up: what waits rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How many bytes at the front are wanted, where not all are: no more need be fetched for them. The size that the stream tells is the whole file's. */
  bytes?: number | undefined;
  /** Hears how much of a file has come that is fetched as a whole before it is read. */
  onFetch?: ((loaded: number, total: number | undefined) => void) | undefined;
}

/** How a response's body is read. */
export interface StreamOptions extends Pick<OpenOptions, 'signal'> {
  /** Asks for the rest, where the response is the front of a file. */
  more?: ((range: string) => Promise<Response>) | undefined;
  /** Pieces as they come, not together as large ones. */
  eager?: boolean | undefined;
}

/** What downloads, as `fetch` does. */
export type Fetch = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; redirect?: 'manual' | 'follow'; signal?: AbortSignal | null },
) => Promise<Response>;

/** What a hub tells of a file. */
export interface RemoteFile {
  /** The SHA-256 of its bytes, or the SHA-1 that git gives them; '' where it is not told. */
  readonly etag: string;
  readonly size: number | undefined;
}

/** A model of a hub in a folder of the disk that keeps them. */
export interface Repository {
  /** The folder of all. */
  readonly folder: string;
  /** owner/name */
  readonly id: string;
}

/** A file that was kept, and the headers with which it came. */
export interface KeptFile {
  readonly path: string;
  readonly headers: Headers;
}

/** What servers of files sent, on the disk, by address. */
export interface AddressCache {
  match(url: string): Promise<KeptFile | undefined>;
  /** Takes the place of what was there when it is there as a whole. */
  put(url: string, response: Response): Promise<void>;
  delete(url: string): Promise<boolean>;
}

/** What a hub sent, on the disk, laid out as Hugging Face's libraries do, so that they find what heed downloaded and heed what they did. */
export interface HubCache {
  /** Where it is unless the user says otherwise; undefined where that cannot be told. */
  home(): string | undefined;
  /** The user's token for the hub. */
  token(): string | undefined;
  /** The commit that a revision was when it was asked for last. */
  commitOf(repository: Repository, revision: string): Promise<string | undefined>;
  setCommit(repository: Repository, revision: string, commit: string): Promise<void>;
  /** Undefined for a file that is not there. */
  open(repository: Repository, commit: string, file: string, options?: OpenOptions): Promise<ByteStream | undefined>;
  /** Whether it is known that the commit has no such file. */
  lacks(repository: Repository, commit: string, file: string): Promise<boolean>;
  setLacks(repository: Repository, commit: string, file: string): Promise<void>;
  /** The files of a commit that are there. */
  list(repository: Repository, commit: string): Promise<readonly string[]>;
  /**
   * Downloads a file, and keeps it when it is what the hub says. `from` gives it from a byte on, or from its beginning, and says so. What an end before its time leaves is gone on
   * with the next time. Throws NETWORK, STORAGE; false where nothing may be written there.
   */
  keep(
    repository: Repository,
    commit: string,
    file: string,
    remote: RemoteFile,
    from: (begin: number, signal: AbortSignal) => Promise<{ begin: number; stream: ByteStream }>,
    options: OpenOptions,
  ): Promise<boolean>;
  /** What servers that are no hubs sent, beside what hubs did. */
  addresses(folder: string): AddressCache;
}

/**
 * A place that heed runs in: its files, its network, its workers. Each entry point brings its own along.
 */
export interface Runtime {
  /** As `engine.info.runtime` has it. */
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
  /**
   * Adds to the end of a file, which begins with this where there is none, as do the folders above it. Gives whether it did: not where the file was to be `fresh` and is
   * there already, whoever made it. Throws STORAGE, UNSUPPORTED.
   */
  appendFile(
    location: string,
    bytes: Uint8Array,
    options?: {
      /** Whether the file must not be there yet. Default false. */
      fresh?: boolean;
    },
  ): Promise<boolean>;
  /** Names of what is in a folder, in no order; those of `writeFile` that were never finished end in `.tmp`. Throws NOT_FOUND, UNSUPPORTED. */
  listFolder(folder: string): Promise<string[]>;
  /** Removes a file, if it is there. Throws STORAGE, UNSUPPORTED. */
  removeFile(location: string): Promise<void>;
  /** What is downloaded with. */
  readonly fetch: Fetch;
  /** A response's body. `url` is named in errors. */
  streamOf(response: Response, url: string, options?: StreamOptions): ByteStream;
  /** A variable of the environment; undefined where there is none. */
  environment(name: string): string | undefined;
  /** Undefined where there is no disk. */
  readonly hubCache: HubCache | undefined;
  /** The Cache API; undefined where there is none. */
  caches():
    | {
        /** The cache of a name, which is made where there is none. */
        open(name: string): Promise<{
          /** What was kept for an address. */
          match(key: string): Promise<Response | undefined>;
          /** Keeps a response for an address. */
          put(key: string, response: Response): Promise<void>;
        }>;
      }
    | undefined;
  /** Lets the event loop have a turn: timers, I/O, an abort. */
  pause(): Promise<void>;
  /** A location as it stands for itself, whoever reads it. */
  resolve(location: string): string;
  /** The location of a file in a folder or below a URL. */
  join(folder: string, file: string): string;
}
