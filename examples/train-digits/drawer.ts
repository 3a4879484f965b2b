/**
 * The model that draws: a causal Transformer whose tokens are pixels (Chen et al., Generative Pretraining from Pixels, 2020). It is told a digit, and says the first
 * pixel; then the next one from those before it, row by row.
 */
import type { Engine } from 'heed';
import { Embedding, LayerNorm, LearnedPositions, Linear, Module, TransformerEncoder, TransformerEncoderLayer } from 'heed/nn';
import { add, type Tensor, tensor } from 'heed/ops';
import type { Random } from 'heed/train';
import { LEVELS, PIXELS } from './data.js';

/** Tokens: levels of ink, and behind them the digits. */
export const VOCABULARY = LEVELS + 10;
const [C, H, L] = [64, 4, 3];

/** Tokens of a picture: its digit, then its pixels. */
export const tokensOf = (label: number, pixels: ArrayLike<number> = []): number[] => [LEVELS + label, ...Array.from(pixels)];

export class DigitDrawer extends Module {
  readonly #tokens: Embedding;
  readonly #positions: LearnedPositions;
  readonly #encoder: TransformerEncoder;
  readonly #out: Linear;

  constructor(engine: Engine) {
    super(engine);
    const layer = { dimFeedforward: 4 * C, activation: 'gelu', normFirst: true, batchFirst: true, dropout: 0 } as const;
    this.#tokens = this.child('tokens', new Embedding(engine, VOCABULARY, C));
    this.#positions = this.child('positions', new LearnedPositions(engine, PIXELS, C));
    const make = () => new TransformerEncoderLayer(engine, C, H, layer);
    this.#encoder = this.child('encoder', new TransformerEncoder(engine, make, L, new LayerNorm(engine, C)));
    this.#out = this.child('out', new Linear(engine, C, LEVELS));
  }

  /** Tokens [B, T] int32, a digit and its first pixels → logits [B, T, LEVELS] of each next pixel. */
  forward(tokens: Tensor): Tensor {
    const x = add(this.#tokens.forward(tokens), this.#positions.forward(tokens.dim(1)));
    return this.#out.forward(this.#encoder.forward(x, { isCausal: true }));
  }

  /**
   * Draws a picture of each digit, pixel by pixel: every pixel is drawn from softmax(logits / temperature). A generator that yields before each pixel, so that a page
   * can show pictures as they grow. Pictures: 0 to 16, row by row.
   */
  *draw(labels: readonly number[], random: Random, temperature = 1): Generator<Uint8Array[], Uint8Array[]> {
    const rows = labels.map((label) => tokensOf(label));
    const pictures = () => rows.map(([, ...pixels]) => Uint8Array.from(pixels));
    for (let t = 0; t < PIXELS; t++) {
      const { data } = this.engine.scope(() => this.forward(tensor(this.engine, rows, undefined, 'int32')).toHost());
      for (const [b, row] of rows.entries()) {
        const from = (b * (t + 1) + t) * LEVELS;
        row.push(sample(data.subarray(from, from + LEVELS) as Float32Array, temperature, random));
      }
      yield pictures();
    }
    return pictures();
  }
}

/** A level, drawn from softmax(logits / temperature). */
function sample(logits: Float32Array, temperature: number, random: Random): number {
  const most = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  let left = (random.uint32() / 2 ** 32) * shares.reduce((sum, share) => sum + share, 0);
  for (const [level, share] of shares.entries()) {
    left -= share;
    if (left < 0) return level;
  }
  return shares.length - 1;
}
