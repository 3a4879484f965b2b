/**
 * What `bench train` asks of heed and of PyTorch: a Transformer for translation (nn.Transformer, post-norm, ReLU; two tables in front of it, a
 * linear layer behind), given weights, one batch, and step after step of AdamW on it. Weights go by PyTorch's names.
 */
import type { StateDict } from 'heed/nn';

export interface TrainingSize {
  /** d_model, heads, layers of each stack, feed-forward, vocabulary, pairs, tokens on either side. */
  C: number;
  H: number;
  L: number;
  F: number;
  V: number;
  B: number;
  T: number;
}

/** Token numbers [B, T]: what the encoder and the decoder read, and what the decoder should say. */
export interface TrainingBatch {
  source: Int32Array;
  target: Int32Array;
  next: Int32Array;
}

export interface TrainingTask {
  size: TrainingSize;
  weights: StateDict;
  batch: TrainingBatch;
  lr: number;
  threads: number;
}

export interface Learner {
  name: string;
  version: string;
  options: string;
  /** Forward, cross entropy, backward, AdamW: the loss before the step. */
  step(): number | Promise<number>;
  /** Milliseconds of processor time that steps have taken, all threads together, spinning included, and how many there were. */
  used: { cpu: number; steps: number };
  close(): Promise<void>;
}

/** Operations of the products of a step: each is one forward and two backward. Everything else is not counted. */
export function stepFlops({ C, H, L, F, V, B, T }: TrainingSize): number {
  const weights = L * (4 * C * C + 2 * C * F) + L * (8 * C * C + 2 * C * F) + V * C;
  const attention = 3 * L * (2 * B * H * T * T * (C / H));
  return 3 * 2 * (B * T * weights + attention);
}
