/**
 * What a long step of `engine.run` leaves for later: its launches, and what the host writes between them, in their order. They are computed in parts after the
 * step, and the event loop has its turns in between. Nobody can tell: whoever looks at the memory meanwhile, or computes there, has all of them computed first;
 * and a block that is freed and handed out again is written to by those that come later.
 */
import type { Launch } from './launch.js';

/** Operations that a step computes at once, and of a part of what it leaves for later: a moment, also of a slow machine. */
const MOMENT = 1 << 27;

/** An array of numbers, or a typed one. */
export interface HostNumbers extends ArrayLike<number> {
  slice(): HostNumbers;
}

/** Takes off a launch as many tiles as are a moment's work. */
function partOf(launch: Launch): Launch {
  const tiles = Math.min(launch.tiles, Math.max(1, Math.floor((launch.tiles * MOMENT) / launch.work)));
  const part = { ...launch, tiles, work: (launch.work * tiles) / launch.tiles };
  launch.first += tiles;
  launch.tiles -= tiles;
  launch.work -= part.work;
  return part;
}

export class Backlog {
  #waiting: (Launch | (() => void))[] = [];
  /** Operations of the step that runs, so far. */
  #step: number | undefined;
  /** What is computed now looks at the memory as it is. */
  #busy = false;
  /** Why its results are lost, whoever had it computed. */
  #failure: { error: unknown } | undefined;

  constructor(readonly compute: (launch: Launch) => void) {}

  /** Runs a step, whose launches may be left for later. */
  during<T>(step: () => T): T {
    this.#step = 0;
    try {
      return step();
    } finally {
      this.#step = undefined;
    }
  }

  launch(launch: Launch): void {
    if (this.#step !== undefined) {
      this.#step += launch.work;
      if (this.#waiting.length || this.#step > MOMENT) {
        // A part at a time is taken off it, and whoever launches it may do so again.
        this.#waiting.push({ ...launch });
        return;
      }
    }
    this.settle();
    this.compute(launch);
  }

  write<T extends HostNumbers>(values: T, enter: (values: T) => void): void {
    if (this.#step === undefined || !this.#waiting.length) {
      enter(values);
      return;
    }
    const copy = values.slice() as T;
    this.#waiting.push(() => enter(copy));
  }

  /** Computes a part of what waits; whether there was any. */
  advance(): boolean {
    if (this.#failure) throw this.#failure.error;
    const next = this.#waiting[0];
    if (next === undefined || this.#busy) return false;
    this.#busy = true;
    try {
      if (typeof next === 'function') next();
      else this.compute(partOf(next));
      if (typeof next === 'function' || next.tiles === 0) this.#waiting.shift();
    } catch (error) {
      this.#failure = { error };
      throw error;
    } finally {
      this.#busy = false;
    }
    return true;
  }

  /** Computes all that waits. */
  settle(): void {
    if (this.#waiting.length > 0 || this.#failure) while (this.advance());
  }

  /** Forgets it: nobody wants the results any more. */
  drop(): void {
    this.#waiting.length = 0;
    this.#failure = undefined;
  }
}
