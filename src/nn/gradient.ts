/** The gradient of a parameter: the sum of the gradients from tapes, in memory that is kept from step to step. */
import type { Engine } from '../engine/engine.js';
import { add_f32, TILE } from '../engine/kernels.generated.js';
import { contiguous } from '../ops/shape.js';
import { type Shape, sizeOf, Tensor } from '../tensor.js';

export class GradientSum {
  #sum: Tensor | undefined;
  /** `true` where `#sum` holds a gradient; `false` where its content is to be overwritten. */
  #holds = false;

  constructor(
    readonly engine: Engine,
    readonly shape: Shape,
  ) {}

  /** Undefined where nothing has come. */
  get value(): Tensor | undefined {
    return this.#holds ? this.#sum : undefined;
  }

  zero(): void {
    this.#holds = false;
  }

  reserve(): Tensor {
    // The sum belongs to no scope: it lives as long as the parameter trains.
    this.#sum ??= new Tensor(this.engine, this.engine.heap.allocate(4 * sizeOf(this.shape)), this.shape);
    return this.#sum;
  }

  free(): void {
    this.#sum?.dispose();
    this.#sum = undefined;
    this.#holds = false;
  }

  add(gradient: Tensor): void {
    const { engine } = this;
    const given = contiguous(gradient);
    const { ptr, size: n } = this.reserve();
    if (this.#holds) engine.launch(add_f32({ tiles: Math.ceil(n / TILE), work: n * 2, y: ptr, a: ptr, b: given.ptr, n, period: n }));
    else engine.heap.bytes.copyWithin(ptr, given.ptr, given.ptr + given.size * 4);
    this.#holds = true;
  }
}
