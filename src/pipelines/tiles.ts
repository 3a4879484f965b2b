/**
 * Pictures made of pictures, tile by tile, so that neither the engine nor the sum of overlapping tiles takes memory for the whole. Tiles of an axis have one length, and overlap by
 * as much everywhere; where they do, each counts the less the nearer its edge is.
 *
 *   tile 0   ████████▇▅▃▁                    weights of a place add up to 1
 *   tile 1           ▁▃▅▇████████▇▅▃▁
 */

/** A stretch of an axis. */
export interface Tile {
  /** Its first pixel. */
  readonly start: number;
  /** How much each pixel that is made of it counts, [length · times]. */
  readonly weights: Float32Array;
}

/** Tiles of an axis of so many pixels, each of which becomes `times`; one where all fits into one. `overlap` is the least, and at most half a tile. */
export function tilesOf(edge: number, length: number, overlap: number, times: number): readonly Tile[] {
  const size = Math.min(edge, length);
  const count = edge <= length ? 1 : Math.ceil((edge - overlap) / (length - overlap));
  const starts = Array.from({ length: count }, (_, i) => Math.round((i * (edge - size)) / Math.max(1, count - 1)));
  // Pixels that a tile shares with a neighbour, of what is made.
  const shared = (one: number | undefined, other: number | undefined) =>
    one === undefined || other === undefined ? 0 : Math.max(0, one + size - other) * times;
  const tiles = starts.map((start, i) => {
    const [before, behind] = [shared(starts[i - 1], start), shared(start, starts[i + 1])];
    const weights = Float32Array.from({ length: size * times }, (_, at) =>
      Math.min(1, (at + 0.5) / Math.max(0.5, before), (size * times - at - 0.5) / Math.max(0.5, behind)),
    );
    return { start, weights };
  });
  const sums = new Float32Array(edge * times);
  const each = (visit: (weights: Float32Array, at: number, place: number) => void) => {
    for (const { start, weights } of tiles) for (let at = 0; at < weights.length; at++) visit(weights, at, start * times + at);
  };
  each((weights, at, place) => {
    sums[place] = (sums[place] as number) + (weights[at] as number);
  });
  each((weights, at, place) => {
    weights[at] = (weights[at] as number) / (sums[place] as number);
  });
  return tiles;
}

/** Numbers of planes [c, H, W], of which the upper left corner counts. */
export interface Planes {
  readonly data: Float32Array;
  readonly dims: readonly [channels: number, height: number, width: number];
}

/** Lines of a picture that tiles are summed up in. Only those of one row of tiles are numbers; what is above them are bytes. */
export class Mosaic {
  /** Sums of the lines from `#top` on, [lines, width, channels]. */
  readonly #sums: Float32Array;
  #top = 0;

  constructor(
    /** Bytes of the picture, [height, width, channels]. */
    readonly bytes: Uint8ClampedArray,
    readonly width: number,
    readonly channels: number,
    /** Lines of a row of tiles. */
    lines: number,
  ) {
    this.#sums = new Float32Array(lines * width * channels);
  }

  /** Adds a tile's numbers, 1 being white, whose left edge is at `left`, to the row of tiles. */
  add({ data, dims: [, H, W] }: Planes, left: number, down: Float32Array, across: Float32Array): void {
    const { channels: C, width } = this;
    const sums = this.#sums;
    for (let c = 0; c < C; c++)
      for (const [y, weight] of down.entries()) {
        const [from, to] = [(c * H + y) * W, (y * width + left) * C + c];
        for (let x = 0; x < across.length; x++)
          sums[to + x * C] = (sums[to + x * C] as number) + weight * (across[x] as number) * (data[from + x] as number);
      }
  }

  /** Completes the lines above `bottom`, which no further tile reaches. */
  finish(bottom: number): void {
    const line = this.width * this.channels;
    const done = (bottom - this.#top) * line;
    const sums = this.#sums;
    // Bytes are rounded and clipped as they are stored.
    for (let i = 0, o = this.#top * line; i < done; i++) this.bytes[o + i] = (sums[i] as number) * 255;
    sums.copyWithin(0, done);
    sums.fill(0, sums.length - done);
    this.#top = bottom;
  }
}
