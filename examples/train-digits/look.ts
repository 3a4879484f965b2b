/** What the reader makes of a picture: a probability for each digit, and where its class token looked. */
import { softmax, type Tensor } from 'heed/ops';
import { type DigitReader, inkOf, PATCHES } from './reader.js';

export interface Look {
  /** Of each digit, 0 to 1. */
  readonly probabilities: readonly number[];
  /** [layers][heads][PATCHES]: attention of the class token to each patch. */
  readonly attention: readonly (readonly (readonly number[])[])[];
}

/** The likeliest digit. */
export const likeliest = (probabilities: readonly number[]): number => probabilities.indexOf(Math.max(...probabilities));

export function look(model: DigitReader, pixels: Uint8Array): Look {
  const attention: number[][][] = [];
  const listen = (weights: Tensor) => {
    const [heads] = weights.toHost().tolist() as number[][][][];
    // Row 0 is the class token's; its own weight is left out.
    attention.push((heads as number[][][]).map(([row]) => (row as number[]).slice(1, 1 + PATCHES)));
  };
  const [probabilities] = model.engine.scope(() =>
    softmax(model.forward(inkOf(model.engine, [pixels]), listen))
      .toHost()
      .tolist(),
  ) as number[][];
  return { probabilities: probabilities as number[], attention };
}

/** The digits that are read in pictures. */
export function read(model: DigitReader, pictures: readonly Uint8Array[]): number[] {
  const rows = model.engine.scope(() => model.forward(inkOf(model.engine, pictures)).toHost().tolist()) as number[][];
  return rows.map(likeliest);
}
