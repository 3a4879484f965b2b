/** Partitions of the 256 bytes into runs that an expression does not distinguish, so that its derivative is computed once for a run. */
import { type ByteSet, bytesOf, cutsOf, has, keyOf, union } from './byte_set.js';
import type { Expression } from './expression.js';

/** Runs of bytes that an expression does not distinguish: for each byte its run, for each run its first byte. */
export interface Partition {
  readonly cuts: ByteSet;
  readonly runOf: Uint8Array;
  readonly firsts: Uint8Array;
}

/** `cuts`: the bytes at which a run begins; 0 is one in any case. */
function partitionOf(cuts: ByteSet): Partition {
  const runOf = new Uint8Array(256);
  const firsts: number[] = [0];
  for (let byte = 1; byte < 256; byte++) {
    if (has(cuts, byte)) firsts.push(byte);
    runOf[byte] = firsts.length - 1;
  }
  return { cuts, runOf, firsts: Uint8Array.from(firsts) };
}

/** The partitions of expressions; equal ones are one object. */
export class Partitions {
  readonly #known = new Map<string, Partition>();
  readonly #whole = this.#by(bytesOf());

  /** Bytes that lead to the same. */
  of(state: Expression): Partition {
    state.partition ??= this.#find(state);
    return state.partition;
  }

  #find(state: Expression): Partition {
    const [first, rest] = state.parts;
    if (state.set) return this.#by(cutsOf(state.set));
    if (state.rule) return this.of(state.rule.body);
    if (state.kind === 'sequence' && first?.nullable && rest) return this.#meet([first, rest]);
    if (state.kind === 'choice' || state.kind === 'all') return this.#meet(state.parts);
    return first ? this.of(first) : this.#whole;
  }

  #meet(parts: readonly Expression[]): Partition {
    return this.#by(parts.map((part) => this.of(part).cuts).reduce(union));
  }

  #by(cuts: ByteSet): Partition {
    const key = keyOf(cuts);
    const known = this.#known.get(key);
    if (known) return known;
    const made = partitionOf(cuts);
    this.#known.set(key, made);
    return made;
  }
}
