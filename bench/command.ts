/**
 * What a command of the bench gets and gives: options from the command line, and a report that index.ts publishes. The modes are the two
 * kinds of binaries: plain is deterministic, relaxed uses fused multiply-adds where the runtime has them.
 */
import type { Options } from './measure.js';
import type { Report } from './report.js';

export interface CommandOptions {
  threads: number;
  /** heed's engines with vectors of 256 bits, for the commands that take it. */
  wide: boolean;
  /** Rounds of every comparison (measure.ts), or of processes. */
  measuring: Options;
  /** Sequence lengths instead of the command's own. */
  tokens: number[] | undefined;
  /** What to measure instead of the usual: cases of test/cases, parts of runtimes' names. */
  only: string[] | undefined;
  /** A folder with a model, for commands that can use one. */
  model: string | undefined;
  /** A folder with ONNX files of the same weights. */
  onnx?: string | undefined;
  /** NAME=FILE of curves to draw, and what stands over them. */
  curves?: string[] | undefined;
  title?: string | undefined;
}

export interface Command {
  run(options: CommandOptions): Promise<Report>;
}
