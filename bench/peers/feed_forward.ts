/** What `bench train` asks of heed and of jax-js: the gradients of Σ (relu(x W₁ᵀ) W₂ᵀ)² by both weights. */

export interface FeedForward {
  rows: number;
  C: number;
  F: number;
  /** [rows, C] */
  x: Float32Array;
  /** [F, C] */
  w1: Float32Array;
  /** [C, F] */
  w2: Float32Array;
}

export interface Block {
  name: string;
  /** Once forwards and backwards; nothing is copied out. */
  run(): unknown;
  /** Both gradients, copied. */
  gradients(): Promise<Float32Array[]>;
  close(): Promise<void>;
}

export type OpenBlock = (task: FeedForward) => Promise<Block>;

/** Two products forwards, three backwards: x has no gradient. */
export const blockFlops = ({ rows, C, F }: FeedForward): number => 5 * 2 * rows * C * F;
