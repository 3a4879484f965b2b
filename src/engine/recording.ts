/**
 * Launches that are recorded while they run, to be launched again: a step of decoding has the same launches each time. Their addresses stay valid, since the
 * recorded code allocates from blocks that the recording keeps: a freed block is handed out again within the recording alone, in the order in which launches use it,
 * so that a recorded step takes as much memory as any other. Numbers that the host writes are written once, into blocks that no launch ever writes to. Whatever
 * differs from one replay to the next (inputs, positions, lengths, tables of pages) is read by kernels from memory that its owner fills before the replay.
 */
import { aligned, FreeBlocks } from './blocks.js';
import type { Launch } from './launch.js';
import { type EngineMemory, type Owner, Storage } from './memory.js';

export class Recording implements Owner {
  readonly launches: Launch[] = [];
  #free = new FreeBlocks();
  /** Blocks that the recording has taken from the engine's memory. */
  #blocks: Storage[] = [];
  #ended = false;

  constructor(readonly heap: EngineMemory) {}

  /** Returns a block for the recorded code. A `lasting` block, for numbers that the host writes, is never handed out again. Throws MEMORY. */
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
    // A scope may outlive a recording that was disposed of.
    if (!this.#ended) this.#free.put({ ptr, bytes });
  }

  /** Frees the recording's memory. */
  dispose(): void {
    this.#ended = true;
    for (const block of this.#blocks.splice(0)) block.free();
  }
}
