/**
 * Masks of the tokens that may come next in a state of the automaton: a bit for each token. The tokens that stay within a word are found once for the word, whatever follows it, and with them
 * the nodes of the token tree at which the word may end; the rest is walked from those nodes. Masks are kept by state.
 */
import type { Expression, Expressions } from './expression.js';
import type { Trie } from './trie.js';

/** A bit for each token. */
export type Mask = Uint32Array;

/** Bytes of masks that are kept. */
const MOST_BYTES = 1 << 25;

/** Nodes of the tree that are visited in the time of a step that makes an expression. */
const VISITS = 64;

interface Within {
  readonly mask: Mask;
  /** Nodes of the tree at which the word may end while tokens have further bytes. */
  readonly ends: Int32Array;
}

export class Masks {
  #masks = new Map<Expression, Mask>();
  #words = new Map<Expression, Within>();
  #bytes = 0;
  readonly #states: Expression[] = [];

  constructor(
    readonly make: Expressions,
    readonly trie: Trie,
  ) {}

  /** Forgets all. */
  clear(): void {
    this.#masks.clear();
    this.#words.clear();
    this.#bytes = 0;
  }

  /** The tokens that may be written in a state. The mask is not to be changed. */
  of(state: Expression): Mask {
    const known = this.#masks.get(state);
    if (known) return known;
    const mask = this.#find(state);
    this.#keep(mask);
    this.#masks.set(state, mask);
    return mask;
  }

  #keep(mask: Mask): void {
    if (this.#bytes > MOST_BYTES) this.clear();
    this.#bytes += mask.byteLength + 128;
  }

  #find(state: Expression): Mask {
    const mask = new Uint32Array(Math.ceil(this.trie.size / 32));
    if (state.kind === 'choice') {
      for (const part of state.parts) {
        const own = this.of(part);
        for (let i = 0; i < mask.length; i++) mask[i] = (mask[i] as number) | (own[i] as number);
      }
      return mask;
    }
    const [head, tail] =
      state.kind === 'sequence' ? (state.parts as unknown as readonly [Expression, Expression]) : [state, this.make.empty];
    if (head.kind !== 'word') {
      this.#walk(state, 0, mask);
      return mask;
    }
    const { mask: within, ends } = this.#within(head);
    mask.set(within);
    if (tail !== this.make.empty) for (const node of ends) this.#walk(tail, node, mask);
    return mask;
  }

  /** Adds the tokens below a node, at which the state is this. `ends` gets the nodes at which it may end. */
  #walk(state: Expression, root: number, mask: Mask, ends?: number[]): void {
    const { make, trie } = this;
    const { byte, depth, below, first, ids } = trie;
    const states = this.#states;
    states[depth[root] as number] = state;
    const last = below[root] as number;
    let visited = 0;
    for (let node = root + 1; node < last; visited++) {
      const at = depth[node] as number;
      const next = make.after(states[at - 1] as Expression, byte[node] as number);
      if (next === make.nothing) {
        node = below[node] as number;
        continue;
      }
      states[at] = next;
      for (let i = first[node] as number; i < (first[node + 1] as number); i++) {
        const id = ids[i] as number;
        mask[id >> 5] = (mask[id >> 5] as number) | (1 << (id & 31));
      }
      node++;
      if (ends && next.nullable && (below[node - 1] as number) > node) ends.push(node - 1);
    }
    make.spend(visited / VISITS);
  }

  #within(word: Expression): Within {
    const short = this.#shortened(word);
    const known = this.#words.get(short);
    if (known) return known;
    const mask = new Uint32Array(Math.ceil(this.trie.size / 32));
    const ends: number[] = word.nullable ? [0] : [];
    this.#walk(short, 0, mask, ends);
    const found = { mask, ends: Int32Array.from(ends) };
    this.#keep(mask);
    this.#words.set(short, found);
    return found;
  }

  /** Simplified expression that is equivalent within one token: bounds of repetitions beyond the longest token are dropped. */
  #shortened(part: Expression): Expression {
    const { make, trie } = this;
    if (!part.plain || !part.parts.length) return part;
    const parts = part.parts.map((one) => this.#shortened(one));
    if (part.kind === 'sequence') return make.sequence(...parts);
    if (part.kind === 'choice') return make.choice(...parts);
    const [one] = parts as [Expression];
    if (part.kind === 'word') return make.word(one);
    const max = part.max > trie.longest ? Number.POSITIVE_INFINITY : part.max;
    return make.repeat(one, Math.min(part.min, trie.longest + 1), max);
  }
}
