/**
 * Reverse-mode automatic differentiation (Baydin et al., arXiv 1502.05767, §3.2). While a tape records, every op with an input that gradients flow to pushes its
 * gradient, a function that is written beside the op, and the tape holds the memory that the function will read. `backward` runs the functions in reverse order,
 * adds up the gradients of each tensor, and hands them to the leaves: a module's parameters, or tensors that were watched.
 *
 *   const tape = new Tape(engine);
 *   const loss = tape.record(() => crossEntropy(model.forward(x), targets));
 *   tape.backward(loss);
 *
 * A tape runs backwards once; the memory that it holds is freed step by step. The tape knows no maths.
 */
import type { Engine } from '../engine/engine.js';
import type { Storage } from '../engine/memory.js';
import { HeedError } from '../errors.js';
import { Tensor } from '../tensor.js';

/** Computes the gradients of an op's inputs, in their order, from that of its output. Undefined where an input has none, or none is wanted. */
export type Gradient = (dy: Tensor, wanted: readonly boolean[]) => readonly (Tensor | undefined)[];

/** Receives a gradient, which belongs to the tape and lasts until the sink returns. */
export type Sink = (gradient: Tensor) => void;

/** Addition of gradients; ops hand it over, since the tape knows none. */
export type Add = (a: Tensor, b: Tensor) => Tensor;

interface Step {
  output: Tensor;
  inputs: readonly (Tensor | undefined)[];
  saved: readonly Storage[];
  gradient: Gradient;
}

/** Tapes that are recording, by their engine. */
const recording = new WeakMap<Engine, Tape>();

/** A record of the ops on tensors, through which gradients flow back. `valueAndGrad` and the Trainer use one; so does `backward`. */
export class Tape {
  #steps: Step[] = [];
  #tracked = new Set<Tensor>();
  #leaves = new Map<Tensor, Sink>();
  #level = 0;
  #done = false;

  /** Creates a tape for the ops of an engine. */
  constructor(
    /** Engine of the recorded tensors. */
    readonly engine: Engine,
  ) {}

  /** Runs `body`, synchronous, and records its ops. Tensors that `body` made are freed, but for those that it returns and those that gradients need. */
  record<T>(body: () => T): T {
    if (recording.has(this.engine))
      throw new HeedError('ARGUMENT', 'A tape is recording on this engine', { culprit: 'tape', cure: 'End one before the next' });
    this.#alive();
    recording.set(this.engine, this);
    try {
      return this.engine.scope(body);
    } catch (error) {
      this.dispose();
      throw error;
    } finally {
      recording.delete(this.engine);
    }
  }

  /** Asks for a tensor's gradient, which `sink` receives once, when it is complete. */
  watch(leaf: Tensor, sink: Sink): void {
    this.#tracked.add(leaf);
    this.#leaves.set(leaf, sink);
  }

  /** `true` where gradients flow to a tensor. */
  tracks(x: Tensor): boolean {
    return this.#tracked.has(x);
  }

  /** Runs the body of an op, whose inner ops are not recorded: the op's own gradient stands for all of them. */
  within<T>(body: () => T): T {
    this.#level++;
    try {
      return body();
    } finally {
      this.#level--;
    }
  }

  /** Records an op: its output and inputs, the tensors that its gradient reads, and the gradient. */
  push(output: Tensor, inputs: readonly (Tensor | undefined)[], saves: readonly (Tensor | undefined)[], gradient: Gradient): void {
    if (this.#level > 1 || !inputs.some((x) => x && this.#tracked.has(x))) return;
    const saved = saves.flatMap((x) => (x ? [x.storage] : []));
    for (const storage of saved) storage.hold();
    this.#tracked.add(output);
    this.#steps.push({ output, inputs, saved, gradient });
  }

  /** Computes the gradients from a scalar, whose own gradient is 1 unless given. Frees the tape. */
  backward(loss: Tensor, add: Add, seed?: Tensor): void {
    this.#alive();
    const gradients = new Map<Tensor, Tensor>();
    const put = (x: Tensor, gradient: Tensor) => {
      const before = gradients.get(x);
      const sum = before ? add(before, gradient) : gradient;
      sum.storage.hold();
      before?.storage.drop();
      gradients.set(x, sum);
    };
    try {
      this.engine.scope(() => put(loss, seed ?? ones(loss)));
      for (let step = this.#steps.pop(); step; step = this.#steps.pop()) this.#reverse(step, gradients, put);
      for (const [leaf, sink] of this.#leaves) {
        const gradient = gradients.get(leaf);
        if (gradient) this.engine.scope(() => sink(gradient));
      }
    } finally {
      for (const { storage } of gradients.values()) storage.drop();
      this.dispose();
    }
  }

  #reverse({ output, inputs, saved, gradient }: Step, gradients: Map<Tensor, Tensor>, put: (x: Tensor, gradient: Tensor) => void): void {
    try {
      const dy = gradients.get(output);
      if (!dy) return;
      const wanted = inputs.map((x) => x !== undefined && this.#tracked.has(x));
      this.engine.scope(() => {
        const found = gradient(dy, wanted);
        for (const [i, x] of inputs.entries()) {
          const dx = found[i];
          if (x && dx && wanted[i]) put(x, dx);
        }
      });
      // The output's gradient is complete and used: all ops that read this output came later, and are done.
      if (!this.#leaves.has(output)) {
        gradients.delete(output);
        dy.storage.drop();
      }
    } finally {
      for (const storage of saved) storage.drop();
    }
  }

  /** Frees all memory that the tape holds, for a forward whose gradient nobody wants. */
  dispose(): void {
    this.#done = true;
    for (const { saved } of this.#steps) for (const storage of saved) storage.drop();
    this.#steps = [];
    this.#tracked.clear();
    this.#leaves.clear();
  }

  #alive(): void {
    if (this.#done)
      throw new HeedError('ARGUMENT', 'This tape has run backwards, or was disposed of', {
        culprit: 'tape',
        cure: 'Make a new one for each step',
      });
  }
}

function ones(loss: Tensor): Tensor {
  if (loss.size !== 1)
    throw new HeedError('SHAPE', `backward starts from one number, the loss is [${loss.shape}]`, {
      culprit: 'loss',
      shape: loss.shape,
      cure: 'Take its mean, or give the gradient to start from',
    });
  const one = Tensor.empty(loss.engine, loss.shape);
  loss.engine.heap.floats(one.ptr, 1)[0] = 1;
  return one;
}

/** Tape that is recording on an engine, if any. */
export const tapeOf = (engine: Engine): Tape | undefined => recording.get(engine);

/**
 * Declares an op's gradient, where a tape is recording: called once, at the end of the op. `saves` are the tensors that `gradient` reads; it must read no others.
 * `gradient` receives the output's gradient and which inputs want theirs, and must not write to its arguments.
 */
export function record(
  output: Tensor,
  inputs: readonly (Tensor | undefined)[],
  saves: readonly (Tensor | undefined)[],
  gradient: Gradient,
): void {
  tapeOf(output.engine)?.push(output, inputs, saves, gradient);
}

/** Runs an op's body, without recording the ops inside. */
export function asOp<T>(engine: Engine, body: () => T): T {
  const tape = tapeOf(engine);
  return tape ? tape.within(body) : body();
}
