/**
 * The engine's memory: one WebAssembly.Memory, its free blocks, and storages that own a block each. The host alone allocates; kernels only get addresses. Sizes and
 * addresses of blocks are multiples of 64 bytes, and the last 64 bytes are never allocated, so that a kernel may read a vector or two beyond the end of a row.
 */
import { HeedError } from '../errors.js';
import { ALIGN, aligned, FreeBlocks } from './blocks.js';

const PAGE = 65536;
const MOST_PAGES = 65536;
/** Start of the heap. The kernels' constants lie below. */
const HEAP_BASE = PAGE;
/** Reservations of address space to try for a shared memory: 4 GiB, and less where that is refused. */
const SHARED_MAXIMA = [65536, 32768, 16384, 4096];
/** Least growth: a grow replaces every view, so it should be rare. */
const LEAST_GROWTH = 1 << 20;

/** Use of an engine's memory, in bytes. */
export interface MemoryUse {
  /** Number of bytes that storages hold. */
  used: number;
  /** Largest value that `used` has had. */
  peak: number;
  /** Size of the WebAssembly memory, which never shrinks. */
  size: number;
  /** Number of storages that are not freed. */
  storages: number;
}

/** Allocator of a storage's block, which takes the block back when nobody needs it any more. */
export interface Owner {
  release(storage: Storage): void;
}

/** A block of memory with one owner. Tensors and views share it. Others may hold it beyond the owner's `free`: a tape does, until it has run backwards. */
export class Storage {
  #released = false;
  #holds = 0;

  constructor(
    readonly owner: Owner,
    readonly ptr: number,
    readonly bytes: number,
  ) {}

  /** `true` once the memory is released: after `free`, when nobody holds the storage. */
  get freed(): boolean {
    return this.#released && this.#holds === 0;
  }

  /** Releases the block, once nobody holds it any more. */
  free(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#holds === 0) this.owner.release(this);
  }

  hold(): void {
    this.#holds++;
  }

  /** Ends one `hold`. */
  drop(): void {
    this.#holds--;
    if (this.freed) this.owner.release(this);
  }
}

export class EngineMemory implements Owner {
  #free = new FreeBlocks();
  #end = HEAP_BASE;
  #used = 0;
  #peak = 0;
  #storages = 0;
  #held: Storage[] | undefined;
  #view: Uint8Array<ArrayBufferLike>;
  #wasm: WebAssembly.Memory;
  #maximum: number;
  /** `true` where the runtime set the limit, which nobody can raise. */
  readonly #granted: boolean;
  /** Callback before the host sees the memory, set by the engine, whose postponed launches are computed then. */
  beforeLook = (): void => {};

  constructor(wasm: WebAssembly.Memory, maximum: number, granted = false) {
    this.#wasm = wasm;
    this.#maximum = maximum;
    this.#granted = granted;
    this.#view = new Uint8Array(wasm.buffer);
    this.#end = HEAP_BASE;
    this.#free.put({ ptr: HEAP_BASE, bytes: Math.max(0, wasm.buffer.byteLength - ALIGN - HEAP_BASE) });
    this.#end = Math.max(HEAP_BASE, wasm.buffer.byteLength - ALIGN);
  }

  get wasm(): WebAssembly.Memory {
    this.beforeLook();
    return this.#wasm;
  }

  get maximum(): number {
    return this.#maximum;
  }

  /**
   * Runs `body` on a memory of zeros that stands in for this one, block for block, and returns the most that was in use: the allocator's own account of work that is
   * never done. The system provides only those pages of the stand-in that are written to. `body` must free what it makes. Throws MEMORY where even 4 GiB would not
   * do, or the runtime gives no second memory.
   */
  rehearse(body: () => void): MemoryUse {
    const own = { wasm: this.#wasm, maximum: this.#maximum, free: this.#free, end: this.#end, held: this.#held };
    const [used, peak, storages] = [this.#used, this.#peak, this.#storages];
    const pages = this.#wasm.buffer.byteLength / PAGE;
    try {
      this.#wasm = new WebAssembly.Memory({ initial: pages, maximum: MOST_PAGES });
    } catch (cause) {
      throw new HeedError('MEMORY', 'The runtime refused a memory to rehearse in', { culprit: 'memory', cause });
    }
    this.#maximum = MOST_PAGES * PAGE;
    this.#free = own.free.copy();
    this.#held = undefined;
    this.#peak = used;
    try {
      body();
      return this.use;
    } finally {
      [this.#wasm, this.#maximum, this.#free, this.#end, this.#held] = [own.wasm, own.maximum, own.free, own.end, own.held];
      [this.#used, this.#peak, this.#storages] = [used, peak, storages];
    }
  }

  get use(): MemoryUse {
    return { used: this.#used, peak: this.#peak, size: this.#wasm.buffer.byteLength, storages: this.#storages };
  }

  /** View of the whole memory, renewed after a grow. */
  get bytes(): Uint8Array<ArrayBufferLike> {
    this.beforeLook();
    if (this.#view.buffer !== this.#wasm.buffer || this.#view.byteLength === 0) this.#view = new Uint8Array(this.#wasm.buffer);
    return this.#view;
  }

  floats(ptr: number, length: number): Float32Array<ArrayBufferLike> {
    return new Float32Array(this.wasm.buffer, ptr, length);
  }

  ints(ptr: number, length: number): Int32Array<ArrayBufferLike> {
    return new Int32Array(this.wasm.buffer, ptr, length);
  }

  /** Returns a block of at least `bytes` bytes, which holds arbitrary old contents. Throws MEMORY. */
  allocate(bytes: number): Storage {
    if (typeof bytes !== 'number' || !(bytes >= 0))
      throw new HeedError('ARGUMENT', 'bytes must be a number from 0 on', { culprit: 'bytes' });
    const size = aligned(bytes);
    const ptr = this.#free.take(size);
    if (ptr === undefined) {
      this.#grow(size);
      return this.allocate(bytes);
    }
    this.#used += size;
    this.#storages++;
    this.#peak = Math.max(this.#peak, this.#used);
    return new Storage(this, ptr, size);
  }

  /** Grows the memory once, so that `bytes` more can be allocated without another grow, and `spare` where the limit allows it. Throws MEMORY. */
  reserve(bytes: number, spare = 0): void {
    if (this.#free.largest < bytes) this.#grow(bytes, spare);
  }

  release(storage: Storage): void {
    this.#used -= storage.bytes;
    this.#storages--;
    if (this.#held) this.#held.push(storage);
    else this.#free.put({ ptr: storage.ptr, bytes: storage.bytes });
  }

  /** Keeps freed blocks aside from now on: a lost thread may still write to them. */
  hold(): void {
    this.#held ??= [];
  }

  /** Makes the blocks that were kept aside usable again, once every thread has ended. */
  unhold(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { ptr, bytes } of held) this.#free.put({ ptr, bytes });
  }

  #grow(bytes: number, spare = 0): void {
    const { last } = this.#free;
    const atEnd = last && last.ptr + last.bytes === this.#end ? last.bytes : 0;
    const size = this.#wasm.buffer.byteLength;
    const missing = bytes - atEnd + (this.#end === HEAP_BASE ? ALIGN + HEAP_BASE - Math.min(size, HEAP_BASE) : 0);
    const wanted = Math.min(Math.max(missing + spare, LEAST_GROWTH, size >>> 3), Math.max(missing, this.maximum - size));
    try {
      if (size + missing > this.maximum) throw new RangeError(`above the limit of ${this.maximum} bytes`);
      this.#extend(wanted, missing);
    } catch (cause) {
      throw new HeedError('MEMORY', `The engine needs ${bytes} bytes more than its ${size}, of which ${this.#used} are in use`, {
        culprit: 'memory',
        cure: this.#cure(size + missing),
        cause,
      });
    }
    const end = this.#wasm.buffer.byteLength - ALIGN;
    this.#free.put({ ptr: this.#end, bytes: end - this.#end });
    this.#end = end;
  }

  /** Text of the cure for an error that asks for a memory of `bytes` bytes. */
  #cure(bytes: number): string {
    const less = 'load models with dtype q8, use smaller batches or fewer tokens, dispose of tensors and models';
    if (bytes > MOST_PAGES * PAGE) return `WebAssembly has no more than 4 GiB: ${less}`;
    if (this.#granted || bytes <= this.#maximum) return `The runtime gives no more: ${less}`;
    return `${less[0]?.toUpperCase()}${less.slice(1)}, or raise createEngine({ memory: { maximum } })`;
  }

  /** Grows the memory by `wanted` bytes, or by `least` where the runtime does not give as many. */
  #extend(wanted: number, least: number): void {
    try {
      this.#wasm.grow(Math.ceil(wanted / PAGE));
    } catch {
      this.#wasm.grow(Math.ceil(least / PAGE));
    }
  }
}

/** Creates a memory that may grow to `maximum` bytes, or to the size that the runtime grants. Throws MEMORY where it grants none. */
export function createMemory(shared: boolean, maximum: number): EngineMemory {
  const pages = Math.floor(maximum / PAGE);
  let cause: unknown;
  for (const most of [pages, ...SHARED_MAXIMA.filter((n) => n < pages)]) {
    try {
      return new EngineMemory(new WebAssembly.Memory({ initial: 16, maximum: most, shared }), most * PAGE, most < pages);
    } catch (error) {
      cause = error;
    }
  }
  throw new HeedError('MEMORY', 'The runtime refused a WebAssembly memory', { culprit: 'memory', cause });
}
