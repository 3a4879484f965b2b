/**
 * A step of decoding, one token for each row, as a list of kernel launches: the launches are recorded once and then replayed, which saves the host modules, ops and checks, whose time exceeds
 * that of the kernels of a small model. Data that differ from step to step are written before: the input states, the positions' angles, and the caches' tables, which have the rows' lengths. A step with
 * anything else, such as kept attentions, training, or launches that depend on states, is not recorded. Replayed and unrecorded steps have equal bits, since their launches are equal.
 */
import type { Engine } from '../engine/engine.js';
import { copy_rows } from '../engine/kernels.generated.js';
import { Recording } from '../engine/recording.js';
import { Tensor } from '../tensor.js';
import type { KVCache } from './cache.js';
import type { Kept, Trunk, TrunkCall, Turns } from './trunk.js';

/** Values that identify a recorded step: a step is replayed while all of them are the same. */
type Signs = readonly unknown[];

/** Recorded step that can be replayed. */
interface Replayed {
  signs: Signs;
  turns: Turns;
  /** Addresses of states [rows, 1, C]. */
  input: number;
  output: number;
}

export class RecordedStep {
  #recording: Recording | undefined;
  #replayed: Replayed | undefined;
  /** `true` for a step made in a rehearsal, which is used only in rehearsals; all others only outside of them. */
  readonly #isRehearsed: boolean;

  constructor(readonly engine: Engine) {
    this.#isRehearsed = engine.isRehearsing;
  }

  /** `true` where a call is a plain decoding step, which can be recorded and replayed. */
  takes(trunk: Trunk, x: Tensor, { self, cross, memory, caches }: TrunkCall, kept: Kept): boolean {
    const has = (given: object = {}) => Object.values(given).some((value) => value !== undefined);
    if (x.dim(1) !== 1 || trunk.training || trunk.isRouted || memory || has(self) || has(cross) || has(kept)) return false;
    return this.engine.isRehearsing === this.#isRehearsed && (caches?.self ?? []).every(({ rows }) => rows === x.dim(0));
  }

  /** Runs a call that `takes` accepts, like `trunk.steps`: replays the recording, or records a new one. */
  *steps(trunk: Trunk, x: Tensor, call: TrunkCall): Generator<void, Tensor> {
    const { cross = [] } = call.caches ?? {};
    // Trunks with other layers than attentions are not recorded.
    const self = (call.caches?.self ?? []) as readonly KVCache[];
    for (const cache of self) cache.advance(1);
    const { from = 0 } = call;
    const tables = [...self, ...cross].map(({ table }) => table);
    const signs = [...x.shape, typeof from === 'number' ? 1 : from.length, ...tables, ...trunk.forms()];
    const known = this.#replayed;
    let output: number;
    if (known?.signs.length === signs.length && signs.every((sign, i) => sign === known.signs[i])) {
      for (const turn of known.turns.values()) turn.move(from, call.whole);
      this.#copy(x, x.ptr, known.input);
      this.engine.replay(this.#recording as Recording);
      output = known.output;
    } else output = yield* this.#record(trunk, x, call, signs);
    const y = Tensor.empty(this.engine, x.shape);
    this.#copy(x, output, y.ptr);
    x.dispose();
    return y;
  }

  *#record(trunk: Trunk, x: Tensor, call: TrunkCall, signs: Signs): Generator<void, number> {
    const { engine } = this;
    this.dispose();
    const recording = new Recording(engine.heap);
    this.#recording = recording;
    const record = <Y>(part: () => Y): Y => engine.record(recording, part);
    try {
      const turns = record(() => trunk.turns(1, call));
      const first = new Tensor(engine, recording.allocate(4 * x.size, true), x.shape);
      const input = first.ptr;
      this.#copy(x, x.ptr, input);
      const { ptr: output } = yield* trunk.through(first, turns, { ...call, isCounted: true }, {}, record);
      this.#replayed = { signs, turns, input, output };
      return output;
    } finally {
      // A recording that failed or was abandoned holds no memory.
      if (!this.#replayed) this.dispose();
    }
  }

  /** Copies states of the size of x. */
  #copy({ size }: Tensor, x: number, y: number): void {
    this.engine.launch(copy_rows({ tiles: 1, work: size, y, x, bytes: 4 * size, to: 0, from: 0 }));
  }

  /** Forgets the recording and frees its memory. */
  dispose(): void {
    this.#recording?.dispose();
    this.#recording = this.#replayed = undefined;
  }
}
