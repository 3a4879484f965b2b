/** The pages of a cache's keys and values (assembly/pages.ts has the picture): their layout, and their reference counts. */
import type { Engine } from '../engine/engine.js';
import { copy_rows, KEYS, PANEL } from '../engine/kernels.generated.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import { HostTensor } from '../tensor.js';

/** Dtype of a page's numbers: float32, or int8 with a scale for each key or value of a head. */
export type PageDtype = 'float32' | 'int8';

/** Bytes of a number by dtype. */
export const BYTES: Readonly<Record<PageDtype, number>> = { float32: 4, int8: 1 };

/** Keys and values of a row, in host memory. */
export interface KeysAndValues {
  /** [G, T, D] */
  keys: HostTensor;
  /** [G, T, Dv] */
  values: HostTensor;
}

/** Keys for which a row's first page grows at least. */
const GROWTH = 32;

const upTo = (n: number, step: number): number => Math.ceil(n / step) * step;

/** The pages of one cache: G heads of D channels, of values Dv. */
export class PageForm {
  /** Bytes of a number. */
  readonly bytes: number;
  /** Rows of each part of a page, and the bytes of a row for each key. */
  readonly parts: readonly (readonly [rows: number, bytes: number])[];

  constructor(
    readonly G: number,
    readonly D: number,
    readonly Dv: number,
    readonly dtype: PageDtype,
  ) {
    const bytes = BYTES[dtype];
    this.bytes = bytes;
    const panels = Math.ceil(Dv / PANEL);
    const scales = [2 * G, 4] as const;
    this.parts = [[G, D * bytes], [G * panels, PANEL * bytes], ...(dtype === 'int8' ? [scales] : [])];
  }

  /** A page with room for `room` keys, of which nothing is there yet. Throws MEMORY. */
  make(engine: Engine, room: number): Page {
    return new Page(engine.heap.allocate(this.parts.reduce((sum, [rows, bytes]) => sum + rows * bytes * room, 0)), room);
  }

  /** The first T keys [G, T, D] and values [G, T, Dv] of a row's pages, unpacked. Throws DTYPE for those of int8. */
  read(engine: Engine, pages: readonly Page[], T: number): KeysAndValues {
    const { G, D, Dv, dtype } = this;
    if (dtype !== 'float32')
      throw new HeedError('DTYPE', `Pages of ${dtype} are not read back`, { culprit: 'cache', cure: 'Make a cache of float32' });
    const wide = upTo(Dv, PANEL);
    const [keys, values] = [new Float32Array(G * T * D), new Float32Array(G * T * Dv)];
    for (const [p, { ptr, room }] of pages.entries()) {
      const x = engine.heap.floats(ptr, G * room * (D + wide));
      for (let t = p * KEYS; t < Math.min(T, (p + 1) * KEYS); t++) {
        const i = t - p * KEYS;
        const column = Math.floor(i / PANEL) * PANEL * D + (i % PANEL);
        for (let g = 0; g < G; g++) {
          for (let d = 0; d < D; d++) keys[(g * T + t) * D + d] = x[g * room * D + column + d * PANEL] as number;
          const row = G * room * D + g * room * wide + i * PANEL;
          for (let d = 0; d < Dv; d++) values[(g * T + t) * Dv + d] = x[row + Math.floor(d / PANEL) * room * PANEL + (d % PANEL)] as number;
        }
      }
    }
    return { keys: new HostTensor('float32', keys, [G, T, D]), values: new HostTensor('float32', values, [G, T, Dv]) };
  }

  /** Copies the first `count` keys and values of a page to another, which has room for them. */
  copy(engine: Engine, from: Page, to: Page, count: number): void {
    let [x, y] = [from.ptr, to.ptr];
    for (const [rows, width] of this.parts) {
      // Panels of keys are whole.
      const bytes = upTo(count, PANEL) * width;
      engine.launch(copy_rows({ tiles: rows, work: (rows * bytes) / 4, y, x, bytes, to: to.room * width, from: from.room * width }));
      x += rows * width * from.room;
      y += rows * width * to.room;
    }
  }
}

/** Keys and values of up to KEYS neighbours, which as many rows hold as share them. The memory goes with the last. */
export class Page {
  #holders = 1;

  constructor(
    readonly storage: Storage,
    readonly room: number,
  ) {}

  get ptr(): number {
    return this.storage.ptr;
  }

  get isShared(): boolean {
    return this.#holders > 1;
  }

  share(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.storage.free();
  }
}

/** Bytes of pages, of which some may be the same. */
export const bytesOf = (pages: Iterable<Page>): number => [...new Set(pages)].reduce((sum, { storage }) => sum + storage.bytes, 0);

/**
 * The room of a row's page number `index` that is to hold `count` keys, where it had `old` before. The first begins as small as its keys are few and doubles, so
 * that short rows take little memory; a row that needs a second page is taken to be long.
 */
export function roomFor(index: number, count: number, old: number): number {
  if (index > 0) return KEYS;
  if (count <= old) return old;
  return Math.min(KEYS, old === 0 ? upTo(count, PANEL) : Math.max(upTo(count, GROWTH), 2 * old));
}
