/**
 * Functions that heed needs of a JavaScript runtime. Each runtime has one file beside this that implements `Runtime`; `src/entry` hands it to the engine. No other
 * file looks at a global to find out where it runs.
 */

// TypeScript declares WebAssembly in the DOM's library only. These declarations stand in for programs without that library; for others, they add nothing.
declare global {
  namespace WebAssembly {
    interface Module {}
    interface Memory {}
  }
}

/** Builds of the kernels: threads need a shared memory, and one relaxed opcode makes a whole module invalid elsewhere. */
export const binaries = ['simd', 'simd-threads', 'relaxed', 'relaxed-threads'] as const;
/** Name of a build of the kernels. */
export type Binary = (typeof binaries)[number];

/** Name of a decoder of pictures that is a WebAssembly file of its own. */
export type Codec = 'jpeg' | 'webp';

/** Data with which a worker becomes a thread of an engine. */
export interface WorkerInit {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Address of the control block (engine/control.ts). */
  control: number;
  /** Number of this thread; the caller is 0. */
  lane: number;
}

export interface WorkerHandle {
  /** Settles when the thread waits for work; rejects when it could not start. */
  readonly ready: Promise<void>;
  /** Settles when the thread has ended, however it ended. */
  readonly ended: Promise<void>;
  /** Whether the thread has ended, where the runtime tells of it. */
  hasEnded?(): boolean;
  terminate(): void;
}

/** Endpoint of messages: a Worker, a worker's own scope, a MessagePort. */
export interface Port {
  /** Sends a message. Buffers in `transfer` are moved, and are empty here afterwards. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** Starts a MessagePort, which is silent until then. */
  start?(): void;
  /** Adds a listener for incoming messages, and for failures. */
  addEventListener(
    type: 'message' | 'messageerror' | 'error',
    listener: (event: {
      /** Contents of a message. */
      data?: unknown;
      /** Text of an error. */
      message?: string;
    }) => void,
  ): void;
}

/** A worker that runs whole models for a page (src/remote). */
export interface HostHandle {
  readonly port: Port;
  /** Rejects when the worker cannot be started, or fails later. */
  readonly failed: Promise<never>;
  /** Ends the worker; undefined where the worker belongs to the user. */
  readonly terminate: (() => void) | undefined;
}

/** Stream of bytes in order, from a file or a response. */
export interface ByteStream {
  /** Path or URL of the stream, for messages. */
  readonly name: string;
  /** Length in bytes, where known beforehand. */
  readonly size: number | undefined;
  /** Fills the front of `target` and returns how many bytes it wrote; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Signal that aborts the work: pending promises reject with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Number of bytes that are wanted from the front, where not all are: no more need be fetched. The stream's size is still the whole file's. */
  bytes?: number | undefined;
  /** Listener of the bytes that have come of a file that is fetched as a whole before it is read. */
  onFetch?: ((loaded: number, total: number | undefined) => void) | undefined;
}

/** Options of reading a response's body. */
export interface StreamOptions extends Pick<OpenOptions, 'signal'> {
  /** Requests the rest, where the response is the front of a file. */
  more?: ((range: string) => Promise<Response>) | undefined;
  /** `true` where pieces are returned as they arrive, instead of joined into large ones. Default false. */
  eager?: boolean | undefined;
}

/** Function that downloads, as `fetch` does. */
export type Fetch = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; redirect?: 'manual' | 'follow'; signal?: AbortSignal | null },
) => Promise<Response>;

/** Facts about a file that a hub tells. */
export interface RemoteFile {
  /** SHA-256 of the file's bytes, or the SHA-1 that git gives them; '' where the hub does not tell it. */
  readonly etag: string;
  readonly size: number | undefined;
}

/** A hub's model in the cache folder. */
export interface Repository {
  /** Cache folder of all models. */
  readonly folder: string;
  /** Id of the model: owner/name. */
  readonly id: string;
}

/** A cached file, and the headers of its response. */
export interface KeptFile {
  readonly path: string;
  readonly headers: Headers;
}

/** Cache on the disk of the responses of file servers, by address. */
export interface AddressCache {
  match(url: string): Promise<KeptFile | undefined>;
  /** Stores a response, which replaces the older one when it is complete. */
  put(url: string, response: Response): Promise<void>;
  delete(url: string): Promise<boolean>;
}

/** Cache on the disk of a hub's files, in the layout of Hugging Face's libraries, so that these find the files that heed downloaded and vice versa. */
export interface HubCache {
  /** Default folder of the cache; undefined where it cannot be told. */
  home(): string | undefined;
  /** Token of the user for the hub. */
  token(): string | undefined;
  /** Commit of a revision when it was asked for last. */
  commitOf(repository: Repository, revision: string): Promise<string | undefined>;
  setCommit(repository: Repository, revision: string, commit: string): Promise<void>;
  /** Opens a cached file; undefined for a file that is not there. */
  open(repository: Repository, commit: string, file: string, options?: OpenOptions): Promise<ByteStream | undefined>;
  /** `true` where it is known that the commit has no such file. */
  lacks(repository: Repository, commit: string, file: string): Promise<boolean>;
  setLacks(repository: Repository, commit: string, file: string): Promise<void>;
  /** Files of a commit that are in the cache. */
  list(repository: Repository, commit: string): Promise<readonly string[]>;
  /**
   * Downloads a file, and stores it when it matches the hub's size and checksum. `from` opens the file from a byte on, or from its beginning, and tells which. The
   * bytes of an interrupted download are used by the next one. Throws NETWORK, STORAGE; false where the folder may not be written to.
   */
  keep(
    repository: Repository,
    commit: string,
    file: string,
    remote: RemoteFile,
    from: (begin: number, signal: AbortSignal) => Promise<{ begin: number; stream: ByteStream }>,
    options: OpenOptions,
  ): Promise<boolean>;
  /** Cache for servers that are no hubs, in the same folder. */
  addresses(folder: string): AddressCache;
}

/** A JavaScript runtime: its files, its network, its workers. Each entry point brings its own along. */
export interface Runtime {
  /** Name of the runtime, as in `engine.info.runtime`. */
  readonly name: string;
  /** Number of cores that this process may use, by a container's quota too. */
  cores(): number;
  /** Reason why there can be no threads; undefined where there can. */
  noThreads(): string | undefined;
  /** Loads and compiles a build of the kernels. */
  loadModule(binary: Binary): Promise<WebAssembly.Module>;
  /**
   * Compiles a build of the kernels to vectors of 256 bits, which gives a module of its own, marked as such (engine/wide.ts), or the reason why there is none: the
   * runtime cannot, the processor has none, or a check found other bits than the build's own.
   */
  loadWideModule(binary: Binary): Promise<WebAssembly.Module | string>;
  /** Imports a package that a user may have installed beside heed; undefined where that is not so, and where there are no packages: a bundle registers what it has. */
  installed(name: string): Promise<unknown>;
  /** Loads and compiles a decoder of pictures. Throws UNSUPPORTED, NOT_FOUND, NETWORK. */
  loadCodec(codec: Codec): Promise<WebAssembly.Module>;
  /** Starts a thread of an engine. The thread does not keep the process alive. */
  startWorker(init: WorkerInit): WorkerHandle;
  /** `true` where this thread draws a page, and should leave models to a worker. */
  drawsPage(): boolean;
  /** Starts a worker that runs models. Throws where there can be none. */
  startHost(): HostHandle;
  /** `true` where a file or folder is at a path; false where there are no paths. */
  exists(path: string): Promise<boolean>;
  /** Opens a path or URL. Throws NOT_FOUND where there is no file, NETWORK where it cannot be downloaded. */
  open(location: string, options?: OpenOptions): Promise<ByteStream>;
  /**
   * Writes a file, and makes the folders above it: under a temporary name beside it, flushed to the disk, then renamed, so that the file is complete or as it was
   * before. Returns its length in bytes. Throws STORAGE where that fails, and leaves no temporary file; UNSUPPORTED where there are no files.
   */
  writeFile(location: string, chunks: Iterable<Uint8Array>): Promise<number>;
  /**
   * Appends to a file, and makes the file and the folders above it where there are none. Returns whether bytes were appended: not where the file was to be `fresh`
   * and already exists, whoever made it. Throws STORAGE, UNSUPPORTED.
   */
  appendFile(
    location: string,
    bytes: Uint8Array,
    options?: {
      /** `true` where the file must not exist yet. Default false. */
      fresh?: boolean;
    },
  ): Promise<boolean>;
  /** Names of the files and folders in a folder, in no order; names of unfinished files of `writeFile` end in `.tmp`. Throws NOT_FOUND, UNSUPPORTED. */
  listFolder(folder: string): Promise<string[]>;
  /** Removes a file, if it exists. Throws STORAGE, UNSUPPORTED. */
  removeFile(location: string): Promise<void>;
  /** Function for downloads. */
  readonly fetch: Fetch;
  /** Opens a response's body as a stream. `url` is named in errors. */
  streamOf(response: Response, url: string, options?: StreamOptions): ByteStream;
  /** Variable of the environment; undefined where there is none. */
  environment(name: string): string | undefined;
  /** Cache of a hub's files; undefined where there is no disk. */
  readonly hubCache: HubCache | undefined;
  /** The Cache API; undefined where there is none. */
  caches():
    | {
        /** Opens the cache of a name, which is made where there is none. */
        open(name: string): Promise<{
          /** Response that was stored for an address. */
          match(key: string): Promise<Response | undefined>;
          /** Stores a response for an address. */
          put(key: string, response: Response): Promise<void>;
        }>;
      }
    | undefined;
  /** Gives the event loop a turn: timers, I/O, an abort. */
  pause(): Promise<void>;
  /** Absolute form of a location, the same for every reader. */
  resolve(location: string): string;
  /** Location of a file in a folder or below a URL. */
  join(folder: string, file: string): string;
}
