/** Random parameters for any module, by the names and shapes that it declares. */
import type { Module, StateDict } from 'heed/nn';
import { Random } from '../cases/random.js';

/** Fills a module, and gives what it was filled with. */
export function fill(module: Module, seed = 1): StateDict {
  const random = new Random(seed);
  const state = Object.fromEntries([...module.namedParameters()].map(([name, { shape }]) => [name, random.floats(shape, 0.4)]));
  module.loadStateDict(state);
  return state;
}
