/**
 * 8-bit panels: int8 with a scale for 32 neighbours in a row (assembly/quantize.ts). Filled by float32, which is rounded; by a checkpoint's int8 and scales, in any order
 * of the two; or by GGUF's Q8_0, bit by bit.
 */
import { BLOCK, PANEL, PANEL_BLOCK, pack_q8_0 } from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { HeedError } from '../../errors.js';
import { concatenated } from '../../io/bytes.js';
import type { SafetensorsEntry } from '../../io/safetensors_writer.js';
import {
  groups,
  type PanelRows,
  packInts,
  packScales,
  QuantizedMatrix,
  quantizedBytes,
  quantizedInts,
  quantizedScales,
  quantizeRows,
} from '../../ops/quantize.js';
import { type Form, rowsOf, stackBytes, type Weights, widthOf } from './format.js';
import { inFormat, RoundedForm } from './rounded.js';
import { type BlockSource, blockSource } from './sources.js';

const SCALE = '.scale';

/** Name in a checkpoint of a weight's scales: [N, ⌈K/32⌉] float16. */
export const scaleName = (name: string): string => `${name}${SCALE}`;
/** Name of the weight whose values, or whose scales, a tensor has. */
export const weightName = (name: string): string => (name.endsWith(SCALE) ? name.slice(0, -SCALE.length) : name);

export class Quantized extends RoundedForm {
  static readonly dtype = 'q8';
  static readonly rowStep = 1;
  static readonly columnStep = BLOCK;
  readonly storage: Storage;
  protected readonly bytesOf = quantizedBytes;
  protected readonly block = PANEL_BLOCK;
  /** Numbers of rows whose int8, and whose scales, have been written, where they come separately. */
  #ints = 0;
  #scales = 0;

  constructor(weights: Weights) {
    super(weights);
    const { heap } = weights.engine;
    this.storage = heap.allocate(Quantized.bytes(weights));
    // The rest of the last panel and of the last block of a row is zeros.
    if (weights.heights.some((height) => height % PANEL) || widthOf(weights) % BLOCK)
      heap.bytes.fill(0, this.storage.ptr, this.storage.ptr + Quantized.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, quantizedBytes);
  }

  protected matrix(rows: number, offset: number): QuantizedMatrix {
    return new QuantizedMatrix(this.weights.engine, this.storage, rows, widthOf(this.weights), offset);
  }

  override get complete(): boolean {
    const rows = rowsOf(this.weights);
    return super.complete || (this.#ints === rows && this.#scales === rows);
  }

  override reset(): void {
    super.reset();
    this.#ints = this.#scales = 0;
  }

  protected round(rows: PanelRows, K: number, blocks: number): boolean {
    return quantizeRows(this.weights.engine, rows, K, blocks);
  }

  /** Takes rows `row` … of a checkpoint's int8. */
  writeInts(row: number, bytes: Uint8Array): void {
    const { engine } = this.weights;
    const width = widthOf(this.weights);
    const rows = bytes.length / width;
    this.raw(bytes, (from) => this.each(row, rows, from, width, (piece) => packInts(engine, piece, width)));
    this.#ints += rows;
  }

  /** Takes rows `row` … of a checkpoint's float16 scales. Throws FORMAT for one that is not finite. */
  writeScales(row: number, bytes: Uint8Array): void {
    const { engine, name } = this.weights;
    const width = widthOf(this.weights);
    const step = 2 * groups(width);
    const rows = bytes.length / step;
    this.raw(bytes, (from) =>
      this.each(row, rows, from, step, (piece) => {
        if (packScales(engine, piece, width)) return;
        throw new HeedError('FORMAT', `${name} has a scale that is not finite`, { culprit: name });
      }),
    );
    this.#scales += rows;
  }

  /** Row-major int8 [rows, width], as a checkpoint holds them. */
  ints(): Uint8Array {
    return this.#joined((part) => quantizedInts(part));
  }

  /** Float16 [rows, ⌈width/32⌉], as a checkpoint holds them. Throws NUMERIC where all values are too small for those. */
  scales(): Uint8Array {
    return this.#joined((part) => quantizedScales(part, this.weights.name));
  }

  #joined(bytesOf: (part: QuantizedMatrix) => { buffer: ArrayBuffer }): Uint8Array {
    return concatenated(this.weights.heights.map((_, i) => new Uint8Array(bytesOf(this.part(i) as QuantizedMatrix).buffer)));
  }
}

/** GGUF's: a float16 d, and 32 int8 q: q d. */
export const Q8_0: BlockSource = /* @__PURE__ */ blockSource(Quantized, 34, ({ ptr, first, count, from }, K, refused) =>
  pack_q8_0({ tiles: count, work: count * K, packed: ptr, refused, w: from, first, K }),
);

/** A weight in the form of an 8-bit checkpoint: unchanged where it is 8-bit, else rounded on the way. */
export function quantizedEntries(name: string, weights: Weights, form: Form): SafetensorsEntry[] {
  const [rows, width] = [rowsOf(weights), widthOf(weights)];
  return [
    {
      name,
      dtype: 'I8',
      shape: [rows, width],
      get bytes() {
        return inFormat(Quantized, weights, form, (own) => own.ints());
      },
    },
    {
      name: scaleName(name),
      dtype: 'F16',
      shape: [rows, groups(width)],
      get bytes() {
        return inFormat(Quantized, weights, form, (own) => own.scales());
      },
    },
  ];
}
