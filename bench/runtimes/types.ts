/** What the command `bench runtimes` says to its programs, and what they answer. Both go through JSON. */
import type { Mode } from '../peak.js';

/** Why a runtime has no figures. */
export interface LeftOut {
  leftOut: string;
}

/** To speed.ts. */
export interface SpeedArgs {
  mode: Mode;
  threads: number;
  tokens: number[];
  /** The binary of peak.ts for this mode, in base64. */
  peak: string;
}

/** One round of one runtime: milliseconds a call are medians within the process. */
export interface Speed {
  version: string;
  /** Weights of the model: all-MiniLM-L6-v2, or random ones of its size. */
  weights: string;
  /** Of the bits of all answers; the same everywhere in deterministic mode. */
  digest: string;
  /** Some values of an answer, to compare where bits may differ. */
  sample: number[];
  /** The process's first forward, T 128. */
  firstForwardMs: number;
  /** Length -> a forward of the model. */
  model: Record<string, number>;
  /** Length -> one encoder layer. */
  layer: Record<string, number>;
  /** Kernel -> GFLOP/s. */
  kernels: Record<string, number>;
  /** GFLOP/s of one thread; undefined where its binary could not be compiled. */
  peak: number | undefined;
  /** Of that peak times the threads, by kernel: percent, ratios of the same turns. */
  share: Record<string, number>;
}

/** To start.ts. */
export interface StartArgs {
  threads: number;
}

export interface Start {
  version: string;
  /** The first createEngine of the process. */
  coldEngineMs: number;
  warmEngineMs: number;
  /** pipeline(): tokenizer and weights, from files or from a server on this machine. Undefined without the model. */
  loadMs: number | undefined;
  /** The first text's embedding, once everything is loaded. */
  embedMs: number | undefined;
  /** When the first embedding was there: since the start of the process or the page as far as it knows, and since 1970. */
  embeddedMs: number | undefined;
  embeddedAt: number | undefined;
}
