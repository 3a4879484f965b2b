/**
 * The tokens of a vocabulary as a tree by their bytes, in depth-first order: a node, then all nodes below it. A walk goes through the list, and skipping a branch is
 * a jump. The tree is made once for a vocabulary.
 *
 *   tokens  a  an  and  b          node   0  1  2  3  4
 *                                  byte   -  a  n  d  b
 *   below[1] = 4: a's branch ends  depth  0  1  2  3  1
 */
import { isWritable, type Vocabulary } from './vocabulary.js';

/** Largest number of bytes of a token; longer tokens are left out. */
const LONGEST = 1 << 15;

export class Trie {
  /** Nodes, the root first. */
  readonly byte: Uint8Array;
  readonly depth: Uint16Array;
  /** The first node that is no longer below. */
  readonly below: Int32Array;
  /** Tokens that end at a node: ids[first[node]] and on, before those of the next. */
  readonly first: Int32Array;
  readonly ids: Int32Array;
  /** Bytes of the longest token. */
  readonly longest: number;

  constructor(
    { tokens }: Vocabulary,
    readonly size = tokens.length,
  ) {
    const ids = [...tokens.keys()].filter((id) => isWritable(tokens[id]) && (tokens[id] as string).length < LONGEST);
    ids.sort((a, b) => ((tokens[a] as string) < (tokens[b] as string) ? -1 : Number(tokens[a] !== tokens[b])));
    let count = 1;
    const shared = ids.map((id, i) => {
      const own = tokens[id] as string;
      const before = tokens[ids[i - 1] ?? -1] ?? '';
      let same = 0;
      while (same < own.length && own[same] === before[same]) same++;
      count += own.length - same;
      return same;
    });
    this.byte = new Uint8Array(count);
    this.depth = new Uint16Array(count);
    this.below = new Int32Array(count);
    this.first = new Int32Array(count + 1);
    this.ids = Int32Array.from(ids);
    const path = [0];
    let node = 0;
    const close = (depth: number) => {
      while (path.length > depth + 1) this.below[path.pop() as number] = node + 1;
    };
    for (const [i, id] of ids.entries()) {
      const own = tokens[id] as string;
      close(shared[i] as number);
      for (let at = shared[i] as number; at < own.length; at++) {
        node++;
        this.byte[node] = own.charCodeAt(at);
        this.depth[node] = at + 1;
        this.first[node] = i;
        path.push(node);
      }
    }
    close(-1);
    this.first[count] = ids.length;
    this.longest = this.depth.reduce((most, depth) => Math.max(most, depth), 0);
  }
}
