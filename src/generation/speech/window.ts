/** One window of a sound: what the model remembers of it, by which it is written, as often as it takes, its language detected, and its tokens found in time. */
import type { DecoderState } from '../../models/decoder_state.js';
import type { EncoderDecoder, FeatureInputs } from '../../models/encoder_decoder.js';
import { withRoom } from '../../models/room.js';
import { ModelDecoding } from '../decoding.js';
import { alignment, TIME_PRECISION } from './alignment.js';
import { probabilityOf } from './trust.js';

/** Runs steps on the model. */
export type Run = <T>(steps: () => Generator<unknown, T>) => Promise<T>;

export class HeardWindow {
  private constructor(
    readonly module: EncoderDecoder,
    readonly run: Run,
    /** Of one row, which has read nothing yet. */
    readonly state: DecoderState,
  ) {}

  /** Reads features [1, channels, steps]. The caller disposes of it. */
  static async of(module: EncoderDecoder, run: Run, inputs: FeatureInputs): Promise<HeardWindow> {
    const { steps = 0 } = module.dims.features ?? {};
    const state = await run(function* () {
      const { lastHiddenState } = yield* withRoom(module.engine, [1, steps], () => module.encode(inputs), 'input_features');
      return module.start(lastHiddenState);
    });
    return new HeardWindow(module, run, state);
  }

  /** What a text begins with: see Job.start. */
  *start(): Generator<void, ModelDecoding> {
    yield;
    return new ModelDecoding(this.module, this.state.pick(0));
  }

  /** The scores [V] of what follows these tokens. */
  async after(ids: readonly number[]): Promise<Float32Array> {
    const { module, state } = this;
    return this.run(function* () {
      const own = state.pick(0);
      try {
        const { logits } = yield* module.decode(Int32Array.from(ids), [1, ids.length], own, { last: 1 });
        return logits.toHost().data as Float32Array;
      } finally {
        own.dispose();
      }
    });
  }

  /** The likeliest of some tokens behind the first. */
  async likeliest(start: number, tokens: readonly number[]): Promise<number> {
    const scores = await this.after([start]);
    return tokens.reduce((best, token) => ((scores[token] as number) > (scores[best] as number) ? token : best));
  }

  /** How probable a token is behind these. */
  async probability(ids: readonly number[], token: number): Promise<number> {
    return probabilityOf(await this.after(ids), token);
  }

  /** When each token behind the `first` ones was said, in seconds, by heads [layer, head], in so many positions of the window. */
  async times(ids: readonly number[], first: number, heads: readonly (readonly [number, number])[], positions: number): Promise<number[]> {
    const { module, state } = this;
    // The last is read by nobody, and has the time of the one before.
    const read = ids.slice(0, -1);
    const tokens = read.length - first;
    if (tokens < 1) return ids.slice(first).map(() => 0);
    const weights = await this.run(function* () {
      const own = state.pick(0);
      try {
        const { crossAttentions } = yield* module.decode(Int32Array.from(read), [1, read.length], own, { last: 1, crossHeads: heads });
        return crossAttentions.map((weight) => weight.toHost());
      } finally {
        own.dispose();
      }
    });
    const S = weights[0]?.dims.at(-1) as number;
    const joined = new Float32Array(weights.length * tokens * S);
    for (const [i, { data }] of weights.entries()) joined.set((data as Float32Array).subarray(first * S), i * tokens * S);
    const at = alignment(joined, [weights.length, tokens, S], positions).map((position) => position * TIME_PRECISION);
    return [...at, at.at(-1) as number];
  }

  dispose(): void {
    this.state.dispose();
  }
}
