/** Whether any text fits an expression, where some of it must fit several at once: without that it could lead to where nothing goes on. */
import type { Expression, Expressions } from './expression.js';
import type { Partitions } from './partition.js';

/** Looks for a way to where a text may end, the deepest first, and remembers of every state on it that there is one. */
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
