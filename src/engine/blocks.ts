/** Free memory: a list of blocks, sorted by address, in which no two neighbours touch. */

export interface Block {
  ptr: number;
  bytes: number;
}

/** Alignment of blocks, in bytes: addresses and sizes are multiples of it. */
export const ALIGN = 64;
export const aligned = (bytes: number): number => Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);

export class FreeBlocks {
  #blocks: Block[] = [];

  get last(): Block | undefined {
    return this.#blocks.at(-1);
  }

  /** Bytes of the largest block. */
  get largest(): number {
    return this.#blocks.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  }

  /** Returns an independent copy of the list. */
  copy(): FreeBlocks {
    const made = new FreeBlocks();
    made.#blocks = this.#blocks.map((block) => ({ ...block }));
    return made;
  }

  /** Takes `bytes` bytes off the smallest block that has as many. Returns their address, or undefined. */
  take(bytes: number): number | undefined {
    const blocks = this.#blocks;
    let best: Block | undefined;
    for (const block of blocks) if (block.bytes >= bytes && (!best || block.bytes < best.bytes)) best = block;
    if (!best) return undefined;
    const { ptr } = best;
    if (best.bytes === bytes) blocks.splice(blocks.indexOf(best), 1);
    else {
      best.ptr += bytes;
      best.bytes -= bytes;
    }
    return ptr;
  }

  /** Returns a block to the list, merged with the neighbours that it touches. */
  put(block: Block): void {
    if (block.bytes === 0) return;
    const blocks = this.#blocks;
    let lo = 0;
    for (let hi = blocks.length; lo < hi; ) {
      const mid = (lo + hi) >> 1;
      if ((blocks[mid] as Block).ptr < block.ptr) lo = mid + 1;
      else hi = mid;
    }
    const before = blocks[lo - 1];
    const after = blocks[lo];
    const joinsBefore = before && before.ptr + before.bytes === block.ptr;
    const joinsAfter = after && block.ptr + block.bytes === after.ptr;
    if (joinsBefore) {
      before.bytes += block.bytes + (joinsAfter ? after.bytes : 0);
      if (joinsAfter) blocks.splice(lo, 1);
    } else if (joinsAfter) {
      after.ptr = block.ptr;
      after.bytes += block.bytes;
    } else blocks.splice(lo, 0, block);
  }
}
