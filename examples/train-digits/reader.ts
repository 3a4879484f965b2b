/**
 * The model that reads: a Vision Transformer (Dosovitskiy et al., arXiv 2010.11929). A picture is cut into patches, a patch is a token, and a class token beside
 * them gathers what the picture is.
 */
import type { Engine } from 'heed';
import { LayerNorm, LearnedPositions, Linear, Module, TransformerEncoder, TransformerEncoderLayer } from 'heed/nn';
import { add, cat, contiguous, narrow, permute, reshape, type Tensor, tensor } from 'heed/ops';
import { LEVELS, SIDE } from './data.js';

/** Side of a patch, patches in a row, and patches in all. */
export const PATCH = 2;
export const GRID = SIDE / PATCH;
export const PATCHES = GRID * GRID;
/** Channels, heads, and layers. */
const [C, H, L] = [64, 4, 3];
export const LAYERS = L;

export class DigitReader extends Module {
  readonly #patches: Linear;
  readonly #positions: LearnedPositions;
  readonly #encoder: TransformerEncoder;
  readonly #out: Linear;

  constructor(engine: Engine) {
    super(engine);
    const layer = { dimFeedforward: 2 * C, activation: 'gelu', normFirst: true, batchFirst: true, dropout: 0 } as const;
    this.#patches = this.child('patches', new Linear(engine, PATCH * PATCH, C));
    this.#positions = this.child('positions', new LearnedPositions(engine, 1 + PATCHES, C));
    const make = () => new TransformerEncoderLayer(engine, C, H, layer);
    this.#encoder = this.child('encoder', new TransformerEncoder(engine, make, L, new LayerNorm(engine, C)));
    this.#out = this.child('out', new Linear(engine, C, 10));
  }

  /** Pictures [B, SIDE * SIDE], 0 to 1 → logits [B, 10]. `onWeights` receives the attention [B, H, 1 + PATCHES, 1 + PATCHES] of each layer. */
  forward(pictures: Tensor, onWeights?: (weights: Tensor) => void): Tensor {
    const B = pictures.dim(0);
    // The class token is its position alone.
    const classToken = tensor(this.engine, new Float32Array(B * C), [B, 1, C]);
    const tokens = cat([classToken, this.#patches.forward(patchesOf(pictures))], 1);
    const states = this.#encoder.forward(add(tokens, this.#positions.forward(1 + PATCHES)), { onWeights });
    return this.#out.forward(reshape(narrow(states, 1, 0, 1), [B, C]));
  }
}

/** Pictures [B, SIDE * SIDE] → patches [B, PATCHES, PATCH * PATCH]. */
function patchesOf(pictures: Tensor): Tensor {
  const B = pictures.dim(0);
  const cut = permute(reshape(pictures, [B, GRID, PATCH, GRID, PATCH]), [0, 1, 3, 2, 4]);
  return reshape(contiguous(cut), [B, PATCHES, PATCH * PATCH]);
}

/** Pictures as the model takes them: [B, SIDE * SIDE], 0 to 1. */
export function inkOf(engine: Engine, pictures: readonly Uint8Array[]): Tensor {
  const ink = Float32Array.from(pictures.flatMap((pixels) => Array.from(pixels, (level) => level / (LEVELS - 1))));
  return tensor(engine, ink, [pictures.length, SIDE * SIDE]);
}
