/** An encoder of sounds: what base_encoder.ts has, behind a stem of samples. `forward` is for training. */
import type { Engine } from '../engine/engine.js';
import { makeNorm, type Norm } from '../nn/norm.js';
import { type Kept, keptOf } from '../nn/trunk.js';
import { drained } from '../steps.js';
import { type Tensor, tensor } from '../tensor.js';
import { BaseEncoder, type EncoderOutputs, type EncoderRows, type EncoderWants } from './base_encoder.js';
import { normOf } from './blocks.js';
import type { TrunkChoices, TrunkDims } from './choices.js';
import type { HeadLike } from './heads.js';
import { type SampleInputs, samplesIn } from './inputs.js';
import { type WaveSpec, WaveStem } from './wave_stem.js';
import { heardStates, samplesOf, statesOf, type Wave } from './waves.js';

/** Of sounds: the convolutions that samples go through, and V scores. */
export interface SoundDims extends TrunkDims {
  V: number;
  waves: readonly Wave[];
  /** The most states of a row. */
  positions: number;
}

/** What an encoder of sounds chooses beside. */
export interface SoundChoices extends TrunkChoices, Pick<WaveSpec, 'norms' | 'positions' | 'embeddingNorm' | 'projectionDropout'> {
  /** Whether the convolutions have a bias. */
  waveBias: boolean;
}

/** Sounds outside of the engine. */
export interface SoundInputs extends EncoderRows {
  /** [B][L] */
  samples: Float32Array;
  dims: readonly [B: number, L: number];
  /** States of each row that are sound. */
  lengths?: readonly number[] | undefined;
}

/** A stack of blocks over samples, and a head where a task has one: samples [B, L] → states [B, T, C]. */
export class SoundEncoder extends BaseEncoder<WaveStem, SoundDims, SoundInputs> {
  readonly inputNames = ['input_values', 'attention_mask'];

  readonly #norm: Norm | undefined;

  constructor(engine: Engine, dims: SoundDims, choices: SoundChoices, head?: HeadLike) {
    const { norms, positions, embeddingNorm, projectionDropout, waveBias, ...trunk } = choices;
    const { dropout = 0, embeddingDropout = dropout } = choices;
    const own = { norms, positions, embeddingNorm, projectionDropout, bias: waveBias, dropout: embeddingDropout };
    // The final norm is not the trunk's: in Hugging Face's models of sounds the states of the last block are listed as they are.
    super(engine, dims, { ...trunk, finalNorm: false }, new WaveStem(engine, { ...dims, ...own }), head);
    if (choices.finalNorm) this.#norm = this.child('norm', makeNorm(engine, dims.C, normOf(dims.eps, choices)));
  }

  /** What batches are checked against before they are run. */
  get config(): {
    /** Scores of the head; undefined without one. */
    num_labels: number | undefined;
  } {
    return { num_labels: this.head?.classes?.length };
  }

  /** Samples [B, L], of which the states that `lengths` counts are sound → the head's logits, or the last hidden states [B, T, C] where there is none. */
  forward(samples: Tensor, lengths?: readonly number[]): Tensor {
    return this.engine.scope(() => {
      const { logits, lastHiddenState } = drained(this.#blocks(samples, lengths, {}));
      return logits ?? lastHiddenState;
    });
  }

  /** Samples as feature extractors give them, and a mask that pads behind them. */
  read(inputs: Partial<SampleInputs>): SoundInputs {
    const { samples, dims, lengths: sounding } = samplesIn(inputs);
    const lengths = sounding?.map((n) => this.states(n));
    if (!lengths) this.states(dims[1]);
    return { samples, dims, shape: [dims[0], statesOf(dims[1], this.dims.waves)], ...(lengths && { lengths }) };
  }

  /** States that so many samples become. Throws ARGUMENT for too few of them. */
  states(samples: number): number {
    return heardStates(samples, this.dims.waves);
  }

  /** Silence that becomes T states. */
  blank(B: number, T: number): SoundInputs {
    const L = samplesOf(T, this.dims.waves);
    return { samples: new Float32Array(B * L), dims: [B, L], shape: [B, T], lengths: Array.from({ length: B }, () => T) };
  }

  *steps({ samples, dims, lengths }: SoundInputs, wants: EncoderWants = {}): Generator<void, EncoderOutputs> {
    return yield* this.#blocks(tensor(this.engine, samples, dims), lengths, wants);
  }

  *#blocks(samples: Tensor, lengths: readonly number[] | undefined, wants: EncoderWants): Generator<void, EncoderOutputs> {
    const kept = keptOf(wants);
    const x = this.engine.scope(() => this.stem.forward(samples, lengths));
    return yield* this.outputs(this.#through(x, lengths, kept), { lengths }, wants, kept);
  }

  *#through(x: Tensor, lengths: readonly number[] | undefined, kept: Kept): Generator<void, Tensor> {
    yield;
    const states = yield* this.trunk.steps(x, { self: { lengths } }, kept);
    if (!this.#norm) return states;
    const normed = this.#norm.forward(states);
    if (!kept.hiddenStates) states.dispose();
    return normed;
  }
}
