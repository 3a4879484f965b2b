/**
 * Inputs of an encoder-decoder with any mask: a mask that pads on the right becomes lengths; with any other, tokens are moved to the front, each with its
 * original position, so that a decoder gets lengths alone, and rows give the same bits with and without padding. Outputs about the source are moved back.
 */
import { HostTensor } from '../tensor.js';
import type { SourceInputs } from './encoder_decoder.js';
import { lengthsOf } from './inputs.js';

/** Throws ARGUMENT for a row in which no token counts. */
export function sourceOf(ids: Int32Array, shape: readonly [B: number, S: number], mask: Int32Array | undefined): SourceInputs {
  if (!mask) return { ids, shape };
  const right = lengthsOf(mask, shape);
  if (right) return { ids, shape, lengths: right };
  const [B, S] = shape;
  const [moved, places] = [new Int32Array(B * S), new Int32Array(B * S)];
  const lengths = Array.from({ length: B }, (_, b) => {
    const counts = (s: number) => mask[b * S + s] !== 0;
    const all = Array.from({ length: S }, (_, s) => s);
    const tokens = all.filter(counts);
    for (const [to, s] of [...tokens, ...all.filter((s) => !counts(s))].entries()) {
      moved[b * S + to] = ids[b * S + s] as number;
      places[b * S + to] = s;
    }
    return tokens.length;
  });
  return { ids: moved, shape, lengths, places };
}

/**
 * Puts the axes of `x` that are the source's back in its order, and fills them up to its width: what all rows have as padding may be missing. The first axis is the batch, or
 * several rows for each of its examples.
 */
export function inPlace(x: HostTensor, { places, shape: [B, S] }: SourceInputs, ...axes: readonly number[]): HostTensor {
  const { data, dims } = x;
  if (!places && axes.every((axis) => dims[axis] === S)) return x;
  const whole = dims.map((width, axis) => (axes.includes(axis) ? S : width));
  const [steps, wide] = [stepsOf(dims), stepsOf(whole)];
  const each = (dims[0] as number) / B;
  const y = new Float32Array(whole.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) {
    const example = Math.floor(i / (steps[0] as number) / each);
    const to = dims.reduce((sum, width, axis) => {
      const at = Math.floor(i / (steps[axis] as number)) % width;
      return sum + (places && axes.includes(axis) ? (places[example * S + at] as number) : at) * (wide[axis] as number);
    }, 0);
    y[to] = data[i] as number;
  }
  return new HostTensor('float32', y, whole);
}

const stepsOf = (dims: readonly number[]): number[] => dims.map((_, axis) => dims.slice(axis + 1).reduce((n, d) => n * d, 1));
