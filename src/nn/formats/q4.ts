/**
 * 4-bit panels: nibbles with a scale and a minimum for 32 neighbours in a row (assembly/q4.ts), 0.625 bytes a weight. Filled by GGUF's Q4_0 and Q4_1, whose values it has
 * exactly, and by nothing else: float32 is not rounded to 4 bits here.
 */
import { BLOCK, matmul_q4, PANEL, pack_q4, Q4_BLOCK, Q4_ROW_BLOCK, quantize_i8, unpack_q4 } from '../../engine/kernels.generated.js';
import type { Storage } from '../../engine/memory.js';
import { HeedError } from '../../errors.js';
import { Matrix, type MatrixKernels } from '../../tensor.js';
import { PanelForm, stackBytes, type Weights, widthOf } from './format.js';
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

export class Q4 extends PanelForm {
  static readonly dtype = 'q4';
  static readonly rowStep = 1;
  static readonly columnStep = BLOCK;
  readonly storage: Storage;
  protected readonly bytesOf = q4Bytes;

  constructor(weights: Weights) {
    super(weights);
    const { heap } = weights.engine;
    this.storage = heap.allocate(Q4.bytes(weights));
    // What the last panel lacks.
    if (weights.heights.some((height) => height % PANEL)) heap.bytes.fill(0, this.storage.ptr, this.storage.ptr + Q4.bytes(weights));
  }

  static bytes(weights: Weights): number {
    return stackBytes(weights, q4Bytes);
  }

  protected matrix(rows: number, offset: number): Matrix {
    return new Q4Matrix(this.weights.engine, this.storage, rows, widthOf(this.weights), offset);
  }

  protected take(): void {
    throw this.#refusal();
  }

  protected takeColumns(): void {
    throw this.#refusal();
  }

  protected takeAll(): void {
    throw this.#refusal();
  }

  #refusal(): HeedError {
    const { name, shape } = this.weights;
    return new HeedError('UNSUPPORTED', `${name} cannot be rounded to 4 bits`, {
      culprit: name,
      shape,
      cure: "Load a GGUF file that has it in Q4_0 or Q4_1, or round it to 8: to('q8')",
    });
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
