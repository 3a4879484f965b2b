/**
 * Work that a long step of `engine.run` leaves for later: its launches, and the host's writes between them, in their order. They are computed in parts after the
 * step, and the event loop has its turns in between. Results are the same: before the memory is read, or another launch runs, all postponed work is computed; and a
 * block that is freed and allocated again is written by later work only.
 */
import type { Launch } from './launch.js';

/** Operations that a step computes at once, and that each postponed part has: a moment, even on a slow machine. */
const MOMENT = 1 << 27;

/** An array of numbers, plain or typed. */
export interface HostNumbers extends ArrayLike<number> {
  slice(): HostNumbers;
}

/** Takes as many tiles off a launch as are a moment's work. */
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
  /** Operations of the running step so far; undefined between steps. */
  #step: number | undefined;
  /** `true` while postponed work is computed, which reads the memory as it is. */
  #busy = false;
  /** Error of postponed work, whose results are lost to every later reader. */
  #failure: { error: unknown } | undefined;

  constructor(readonly compute: (launch: Launch) => void) {}

  /** Runs a step, whose launches may be postponed. */
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
        // A copy, since parts are taken off it, and the caller may launch its own again.
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

  /** Computes a part of the postponed work. Returns `false` where there was none. */
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

  /** Computes all postponed work. */
  settle(): void {
    if (this.#waiting.length > 0 || this.#failure) while (this.advance());
  }

  /** Drops the postponed work, whose results are no longer needed. */
  drop(): void {
    this.#waiting.length = 0;
    this.#failure = undefined;
  }
}
