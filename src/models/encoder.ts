/** A text encoder of any registered architecture: what base_encoder.ts has, behind a stem for token ids. `forward` is for training. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { learned } from '../nn/positions.js';
import { keptOf } from '../nn/trunk.js';
import { drained } from '../steps.js';
import { type Tensor, tensor } from '../tensor.js';
import type { EncoderChoices, EncoderDims } from './architecture.js';
import { BaseEncoder, type EncoderOutputs, type EncoderWants } from './base_encoder.js';
import { normOf } from './blocks.js';
import type { HeadLike } from './heads.js';
import { type IntegerInput, integers, integersLike, lengthsOf, type ModelInputs, within } from './inputs.js';
import { tanhPooler } from './poolers.js';
import { Stem } from './stem.js';
import { Tower } from './tower.js';

export type { EncoderOutputs, EncoderWants } from './base_encoder.js';

/** A batch in the engine. */
export interface EncoderBatch {
  /** [B, T] int32 */
  ids: Tensor;
  /** [B, T] int32. Default: all 0. */
  typeIds?: Tensor | undefined;
  lengths?: readonly number[] | undefined;
  /** [B, T] bool, true is padding. */
  padding?: Tensor | undefined;
}

/** A batch in JavaScript memory. */
export interface EncoderInputs {
  /** [B][T], right-padded to one length. */
  ids: Int32Array;
  shape: readonly [B: number, T: number];
  /** Default: all 0. */
  typeIds?: Int32Array | undefined;
  /** Tokens of each example that are not padding. */
  lengths?: readonly number[] | undefined;
  /** [B][T], 1 is padding: for masks that are no right padding. */
  padding?: Uint8Array | undefined;
}

/**
 * A stack of blocks over embeddings, and a head where a task has one: token ids [B, T] → hidden states [B, T, C]. Architectures with
 * `module: Encoder` become one.
 */
export class Encoder extends BaseEncoder<Stem, EncoderDims, EncoderInputs> {
  readonly inputNames = ['input_ids', 'attention_mask', 'token_type_ids'];
  readonly #tower: Tower<Stem>;

  constructor(
    engine: Engine,
    /** Its sizes. */
    dims: EncoderDims,
    choices: EncoderChoices,
    /** What makes scores of its states; undefined without a task. */
    head?: HeadLike,
  ) {
    const { positions = learned(), dropout, embeddingDropout = dropout, count, embeddingScale: scale, embeddingNorm = true } = choices;
    const { pooler = true } = choices;
    const makePositions = positions === 'none' ? undefined : positions;
    const embeddings = { ...dims, packed: head?.tied, makePositions, count, scale, dropout: embeddingDropout };
    const stem = new Stem(engine, { ...embeddings, norm: embeddingNorm ? normOf(dims.eps, choices) : undefined });
    super(engine, dims, { ...choices, pooler: pooler === true ? tanhPooler : pooler || undefined }, stem, head);
    this.#tower = new Tower(stem, this.trunk, this.relative);
  }

  /** Bounds that batches are checked against before they run. */
  get config(): {
    /** V: number of token ids. */
    vocab_size: number;
    /** Largest number of tokens of a row. */
    max_position_embeddings: number;
    /** Classes of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { vocab_size: this.dims.V, max_position_embeddings: this.dims.positions, num_labels: this.head?.classes?.length };
  }

  /** ids, typeIds [B, T] int32, the rows' lengths without padding → the head's logits, or the last hidden states [B, T, C] where there is none. */
  forward(ids: Tensor, lengths?: readonly number[], typeIds?: Tensor): Tensor {
    return this.engine.scope(() => {
      const { logits, lastHiddenState } = drained(this.#blocks({ ids, typeIds, lengths }, {}));
      return logits ?? lastHiddenState;
    });
  }

  /** Token ids, a mask and types, as tokenizers give them. Right padding, by far the most frequent, becomes lengths; any other mask stays one. */
  read({ input_ids, attention_mask, token_type_ids }: Partial<ModelInputs>): EncoderInputs {
    const { data: ids, dims: shape } = integers('input_ids', input_ids as IntegerInput);
    const typeIds = integersLike('token_type_ids', token_type_ids, shape);
    const mask = integersLike('attention_mask', attention_mask, shape);
    const { V, types } = this.dims;
    const lengths = mask && lengthsOf(mask, shape);
    within('input_ids', ids, V);
    // Where there are no types, all tokens are of one.
    within('token_type_ids', typeIds, Math.max(1, types));
    if (!mask) return { ids, shape, typeIds };
    return lengths ? { ids, shape, typeIds, lengths } : { ids, shape, typeIds, padding: Uint8Array.from(mask, (m) => Number(m === 0)) };
  }

  /** Rows of T tokens, all of them 0. */
  blank(B: number, T: number): EncoderInputs {
    return { ids: new Int32Array(B * T), shape: [B, T], lengths: Array.from({ length: B }, () => T) };
  }

  /** The forward, yielding after each block. Throws ARGUMENT for ids outside of the vocabulary and rows that are too long. */
  *steps(inputs: EncoderInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    const { shape, lengths } = inputs;
    const enter = (data: Int32Array | Uint8Array) => tensor(this.engine, data, shape);
    const [typeIds, padding] = [inputs.typeIds && enter(inputs.typeIds), inputs.padding && enter(inputs.padding)];
    return yield* this.#blocks({ ids: enter(inputs.ids), typeIds, lengths, padding }, wants);
  }

  *#blocks({ ids, typeIds, lengths, padding }: EncoderBatch, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const { positions } = this.dims;
    const T = ids.dim(1);
    if (T < 1 || T > positions) {
      throw new HeedError('ARGUMENT', `Rows of ${T} tokens do not fit: the model takes 1 to ${positions}`, {
        culprit: 'input_ids',
        shape: ids.shape,
        cure: 'Truncate, or give empty texts their special tokens',
      });
    }
    const kept = keptOf(wants);
    const running = this.#tower.steps(ids, { types: typeIds, lengths, padding }, kept);
    return yield* this.outputs(running, { ids, lengths, padding, words: () => this.stem.words.weight.operand }, wants, kept);
  }
}
