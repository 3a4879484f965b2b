/** Search for a text that fits an expression with intersections, which may be empty: without the search the automaton could enter a state from which no text can end. */
import type { Expression, Expressions } from './expression.js';
import type { Partitions } from './partition.js';

/** `true` where some text fits `state`: searches depth-first for a state where a text may end, and marks every state on the path as live. */
export function isLive(make: Expressions, partitions: Partitions, state: Expression): boolean {
  if (state.plain) return state !== make.nothing;
  const path: { state: Expression; run: number }[] = [{ state, run: 0 }];
  const seen = new Set([state]);
  while (path.length) {
    const top = path.at(-1) as { state: Expression; run: number };
    if (top.state.nullable || top.state.live) {
      for (const { state } of path) state.live = true;
      return true;
    }
    const { firsts } = partitions.of(top.state);
    const next = top.state.live === false || top.run === firsts.length ? undefined : make.after(top.state, firsts[top.run++] as number);
    if (next === undefined) path.pop();
    else if (!seen.has(next) && next !== make.nothing) {
      seen.add(next);
      path.push({ state: next, run: 0 });
    }
  }
  for (const one of seen) one.live = false;
  return false;
}
