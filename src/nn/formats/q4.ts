/**
 * 4-bit panels: nibbles with a scale and a minimum for 32 neighbours in a row (assembly/q4.ts), 0.625 bytes a weight. Filled by GGUF's Q4_0 and Q4_1, and by a
 * checkpoint's blocks, which are Q4_1 too, exactly; or by float32, which is rounded (assembly/quantize_q4.ts).
 */
import {
  BLOCK,
  blocks_q4,
  matmul_q4,
  PANEL,
  pack_q4,
  Q4_BLOCK,
  Q4_ROW_BLOCK,
  quantize_i8,
  quantize_q4,
  unpack_q4,
} from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { concatenated } from '../../io/bytes.js';
import type { SafetensorsEntry } from '../../io/safetensors_writer.js';
import { launchChecked, type PanelRows } from '../../ops/quantize.js';
import { Matrix, type MatrixKernels } from '../../tensor.js';
import { type Form, rowBytes, rowsOf, stackBytes, type Weights, widthOf } from './format.js';
import { inFormat, RoundedForm } from './rounded.js';
import { type BlockSource, blockSource } from './sources.js';

const q4Bytes = (rows: number, columns: number): number => Math.ceil(rows / PANEL) * (columns / BLOCK) * Q4_BLOCK;
const kernels: MatrixKernels = {
  bytes: q4Bytes,
  product: matmul_q4,
  unpack: unpack_q4,
  rounds: { kernel: quantize_i8, bytes: Q4_ROW_BLOCK },
};

class Q4Matrix extends Matrix {
  readonly dtype = 'q4';

  get kernels(): MatrixKernels {
    return kernels;
  }
}

export class Q4 extends RoundedForm {
  static readonly dtype = 'q4';
  static readonly rowStep = 1;
  static readonly columnStep = BLOCK;
  readonly storage: Storage;
  protected readonly bytesOf = q4Bytes;
  protected readonly block = Q4_BLOCK;

  constructor(weights: Weights) {
    super(weights);
    const { heap } = weights.engine;
    this.storage = heap.allocate(Q4.bytes(weights));
    // The rest of the last panel is zeros.
    if (weights.heights.some((height) => height % PANEL)) heap.bytes.fill(0, this.storage.ptr, this.storage.ptr + Q4.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, q4Bytes);
  }

  protected matrix(rows: number, offset: number): Matrix {
    return new Q4Matrix(this.weights.engine, this.storage, rows, widthOf(this.weights), offset);
  }

  protected round({ ptr: packed, first, count, from: w }: PanelRows, K: number, blocks: number): boolean {
    return launchChecked(this.weights.engine, (refused) =>
      quantize_q4({ tiles: count, work: 200 * count * K, packed, refused, w, first, blocks, K }),
    );
  }

  /** Blocks of Q4_1, as a checkpoint holds them. */
  blocks(): Uint8Array {
    const { engine, heights } = this.weights;
    const K = widthOf(this.weights);
    return engine.scope(() =>
      concatenated(
        heights.map((rows, i) => {
          const bytes = rows * blockBytes(K);
          const y = engine.allocate(bytes).ptr;
          engine.launch(blocks_q4({ tiles: rows, work: rows * K, y, packed: this.part(i).ptr, K }));
          return engine.heap.bytes.slice(y, y + bytes);
        }),
      ),
    );
  }
}

const q4Source = (bytes: number): BlockSource =>
  blockSource(Q4, bytes, ({ ptr, first, count, from }, K, refused) =>
    pack_q4({ tiles: count, work: count * K, packed: ptr, refused, w: from, first, K, bytes }),
  );

/** A float16 d, and 16 bytes of nibbles q: (q − 8) d. A block's minimum, −8 d, has to be a float16: d is 8188 at most. */
export const Q4_0: BlockSource = /* @__PURE__ */ q4Source(18);
/** Float16 d and m, and the same: q d + m. */
export const Q4_1: BlockSource = /* @__PURE__ */ q4Source(20);

/** Bytes of a row of `width` elements in a checkpoint, whose blocks are those of Q4_1. */
export const blockBytes = (width: number): number => rowBytes(Q4_1, width);

/** `true` where rows of `width` elements are whole blocks. */
export const fitsQ4 = (width: number): boolean => width % BLOCK === 0;

/** A weight in the form of a 4-bit checkpoint: unchanged where it is in 4 bits, else rounded on the way. */
export const q4Entries = (name: string, weights: Weights, form: Form): SafetensorsEntry[] => [
  {
    ...{ name, dtype: 'U8' as const, shape: [rowsOf(weights), blockBytes(widthOf(weights))] },
    get bytes() {
      return inFormat(Q4, weights, form, (own) => own.blocks());
    },
  },
];
