/**
 * Launches that were written down while they ran, to be launched again: a step of decoding has the same ones each time. Their addresses stay theirs, since what the
 * recorded code allocates comes from blocks that the recording holds on to: one that is freed is handed out again within the recording alone, in the order in which launches
 * use it, so that a step takes as much memory as it would have. What the host writes is written once, into blocks that no launch ever writes to. Whatever is to differ from one
 * replay to the next is read by kernels from memory that its owner writes to before: inputs, positions, lengths, tables of pages.
 */
import { aligned, FreeBlocks } from './blocks.js';
import type { Launch } from './launch.js';
import { type EngineMemory, type Owner, Storage } from './memory.js';

export class Recording implements Owner {
  readonly launches: Launch[] = [];
  #free = new FreeBlocks();
  /** Blocks of the engine's memory. */
  #blocks: Storage[] = [];
  #ended = false;

  constructor(readonly heap: EngineMemory) {}

  /** A block for the code that is recorded; `lasting`, for what the host writes, nothing else gets it. Throws MEMORY. */
  allocate(bytes: number, lasting = false): Storage {
    const size = aligned(bytes);
    const ptr = (lasting ? undefined : this.#free.take(size)) ?? this.#more(size);
    const storage = new Storage(this, ptr, size);
    if (lasting) storage.hold();
    return storage;
  }

  #more(bytes: number): number {
    const block = this.heap.allocate(bytes);
    this.#blocks.push(block);
    return block.ptr;
  }

  release({ ptr, bytes }: Storage): void {
    // Scopes may outlive a recording that was given up.
    if (!this.#ended) this.#free.put({ ptr, bytes });
  }

  /** Frees its memory. */
  dispose(): void {
    this.#ended = true;
    for (const block of this.#blocks.splice(0)) block.free();
  }
}
