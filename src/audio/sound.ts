/** Sound in memory, and limits that hold for every kind of file. */
import { HeedError } from '../errors.js';
import { shown } from '../io/location.js';

/** What a file decodes to: [channels][samples], −1 to 1, and samples a second. */
export interface Sound {
  channels: readonly Float32Array[];
  rate: number;
}

/** Samples a second that a sound may have. A header of few would make hours of a small file, since they are brought to a model's rate. */
const [LEAST_RATE, MOST_RATE] = [1000, 768_000];

export const isRate = (rate: unknown): rate is number => typeof rate === 'number' && rate >= LEAST_RATE && rate <= MOST_RATE;

/** Throws FORMAT for a rate that no sound has. */
export function checkRate(rate: number, name: string): number {
  if (isRate(rate)) return rate;
  throw unreadable(name, `it says that a second has ${rate} samples`);
}

/** The mean of all channels. */
export function mono({ channels }: Sound): Float32Array {
  const [first = new Float32Array(0), ...others] = channels;
  if (others.length === 0) return first;
  return first.map((sample, i) => others.reduce((sum, channel) => sum + (channel[i] as number), sample) / channels.length);
}

export const unreadable = (name: string, what: string, cause?: unknown): HeedError =>
  new HeedError('FORMAT', `${shown(name)}: ${what}`, { culprit: name, cause });

/** Samples one after the other. */
export function joined(pieces: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = pieces;
  if (pieces.length === 1) return first;
  const all = new Float32Array(pieces.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
