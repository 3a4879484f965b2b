/** A binary heap: a queue whose next entry is the one that precedes all others. */
export class Heap<T> {
  readonly #heap: T[] = [];

  constructor(readonly precedes: (a: T, b: T) => boolean) {}

  push(candidate: T): void {
    const heap = this.#heap;
    let at = heap.push(candidate) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.precedes(candidate, heap[parent] as T)) break;
      heap[at] = heap[parent] as T;
      at = parent;
    }
    heap[at] = candidate;
  }

  pop(): T | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.precedes(heap[child + 1] as T, heap[child] as T)) child++;
      if (!this.precedes(heap[child] as T, last)) break;
      heap[at] = heap[child] as T;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
