/**
 * The 8-bit form of a parameter: a stack of matrices in panels of int8 with scales, filled row by row from float32, or from a checkpoint's int8 and
 * scales, in any order of the two.
 */
import { BLOCK, PANEL } from '../engine/kernels.generated.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import { concatenated } from '../io/bytes.js';
import type { SafetensorsEntry } from '../io/safetensors_writer.js';
import { notFinite, packInts, packScales, type QuantizedRows, quantizedInts, quantizedScales, quantizeRows } from '../ops/quantize.js';
import { groups, QuantizedMatrix, quantizedBytes, type Tensor } from '../tensor.js';
import { Form, partOf, rowsOf, stackBytes, unpackStack, type Weights, widthOf } from './forms.js';
import type { SourceDtype } from './sources.js';

const SCALE = '.scale';

/** What a checkpoint calls the scales of a weight: [N, ⌈K/32⌉] float16. */
export const scaleName = (name: string): string => `${name}${SCALE}`;
/** The weight that a tensor is, or has the scales of. */
export const weightName = (name: string): string => (name.endsWith(SCALE) ? name.slice(0, -SCALE.length) : name);

export class Quantized extends Form {
  readonly storage: Storage;
  /** Rows whose scales are there; `filled` counts those whose int8 are. */
  #scales = 0;

  constructor(weights: Weights) {
    super(weights);
    const { heap } = weights.engine;
    this.storage = heap.allocate(Quantized.bytes(weights));
    // What the last panel and the last block of a row lack.
    if (weights.heights.some((height) => height % PANEL) || widthOf(weights) % BLOCK)
      heap.bytes.fill(0, this.storage.ptr, this.storage.ptr + Quantized.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, quantizedBytes);
  }

  override get complete(): boolean {
    return super.complete && this.#scales === rowsOf(this.weights);
  }

  override reset(): void {
    super.reset();
    this.#scales = 0;
  }

  override assume(): void {
    super.assume();
    this.#scales = rowsOf(this.weights);
  }

  protected take(row: number, rows: number, bytes: Uint8Array, dtype: SourceDtype): void {
    this.staged(bytes, dtype, ({ ptr }) => this.#quantize(row, rows, ptr));
  }

  protected takeAll(rows: Tensor): void {
    this.#scales = 0;
    this.#quantize(0, rowsOf(this.weights), rows.ptr);
  }

  #quantize(row: number, rows: number, from: number): void {
    const { engine, name } = this.weights;
    this.#each(row, rows, from, 4 * widthOf(this.weights), (...place) => {
      if (!quantizeRows(engine, ...place)) throw notFinite(name);
    });
    this.#scales += rows;
  }

  /** Takes rows `row` … of a checkpoint's int8. */
  writeInts(row: number, bytes: Uint8Array): void {
    const rows = bytes.length / widthOf(this.weights);
    this.#raw(bytes, (from) => this.#each(row, rows, from, widthOf(this.weights), (...place) => packInts(this.weights.engine, ...place)));
    this.filled += rows;
  }

  /** Takes rows `row` … of a checkpoint's float16 scales. Throws FORMAT for one that is not finite. */
  writeScales(row: number, bytes: Uint8Array): void {
    const { engine, name } = this.weights;
    const rowBytes = 2 * groups(widthOf(this.weights));
    const rows = bytes.length / rowBytes;
    this.#raw(bytes, (from) =>
      this.#each(row, rows, from, rowBytes, (...place) => {
        if (packScales(engine, ...place)) return;
        throw new HeedError('FORMAT', `${name} has a scale that is not finite`, { culprit: name });
      }),
    );
    this.#scales += rows;
  }

  #raw(bytes: Uint8Array, body: (from: number) => void): void {
    const { engine } = this.weights;
    engine.scope(() => {
      const { ptr } = engine.allocate(bytes.length);
      engine.heap.bytes.set(bytes, ptr);
      body(ptr);
    });
  }

  /** Rows `row` … that lie at `from`, part by part. */
  #each(
    row: number,
    rows: number,
    from: number,
    rowBytes: number,
    write: (to: QuantizedRows, first: number, rows: number, from: number) => void,
  ): void {
    for (const i of this.weights.heights.keys()) {
      const part = partOf(this.weights, i, quantizedBytes);
      const [begin, end] = [Math.max(row, part.row), Math.min(row + rows, part.row + part.height)];
      if (begin >= end) continue;
      const to = { ptr: this.storage.ptr + part.offset, height: part.height, width: widthOf(this.weights) };
      write(to, begin - part.row, end - begin, from + (begin - row) * rowBytes);
    }
  }

  values(): Tensor {
    return unpackStack(this.weights, (i) => this.part(i));
  }

  whole(): QuantizedMatrix {
    return new QuantizedMatrix(this.weights.engine, this.storage, rowsOf(this.weights), widthOf(this.weights));
  }

  part(index: number): QuantizedMatrix {
    const { height, offset } = partOf(this.weights, index, quantizedBytes);
    return new QuantizedMatrix(this.weights.engine, this.storage, height, widthOf(this.weights), offset);
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
    return concatenated(this.weights.heights.map((_, i) => new Uint8Array(bytesOf(this.part(i)).buffer)));
  }
}

/** A weight as a checkpoint holds it: what is 8-bit already as it is, float32 rounded on the way. */
export function quantizedEntries(name: string, weights: Weights, form: Form): SafetensorsEntry[] {
  const made = (bytesOf: (form: Quantized) => Uint8Array): Uint8Array => {
    if (form instanceof Quantized) return bytesOf(form);
    const rounded = new Quantized(weights);
    try {
      weights.engine.scope(() => rounded.put(form.values()));
      return bytesOf(rounded);
    } finally {
      rounded.dispose();
    }
  };
  const [rows, width] = [rowsOf(weights), widthOf(weights)];
  return [
    {
      name,
      dtype: 'I8',
      shape: [rows, width],
      get bytes() {
        return made((form) => form.ints());
      },
    },
    {
      name: scaleName(name),
      dtype: 'F16',
      shape: [rows, groups(width)],
      get bytes() {
        return made((form) => form.scales());
      },
    },
  ];
}
