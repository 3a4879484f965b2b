/** Steps of decoding taken twice: with one state they may be recorded and replayed, with the other never, since hidden states are asked for. */
import { expect } from 'vitest';
import type { Decoder } from '../../dist/models/decoder.js';
import type { DecoderState } from '../../dist/models/decoder_state.js';
import type { EncoderDecoder } from '../../dist/models/encoder_decoder.js';
import { drained } from '../../dist/steps.js';
import type { Tensor } from '../../dist/tensor.js';

/** Two states that are given the same: the steps of one are recorded. */
export class Pair {
  #seed = 0;

  constructor(
    readonly module: Decoder | EncoderDecoder,
    readonly one: DecoderState,
    readonly other: DecoderState,
  ) {}

  /** A step of both, whose bits are the same. */
  step(T = 1, rows = this.one.rows): void {
    const ids = Int32Array.from({ length: rows * T }, (_, i) => (7 * ++this.#seed + 3 * i) % 50);
    const run = (state: DecoderState, hiddenStates: boolean) => {
      const decode = (): Generator<void, { logits: Tensor }> => this.module.decode(ids, [rows, T], state, { hiddenStates });
      return this.module.engine.scope(() => drained(decode()).logits.toHost().data);
    };
    expect(run(this.one, false)).toEqual(run(this.other, true));
  }

  steps(count: number): void {
    for (let t = 0; t < count; t++) this.step();
  }

  both(change: (state: DecoderState, which: 'one' | 'other') => void): void {
    change(this.one, 'one');
    change(this.other, 'other');
  }

  dispose(): void {
    this.both((state) => state.dispose());
  }
}
