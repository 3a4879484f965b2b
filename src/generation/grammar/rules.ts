/** Checks of rules before a text is read: each rule reads a byte before it refers to itself, and some text of each rule ends. */
import { HeedError } from '../../errors.js';
import type { Expression, Expressions, Rule } from './expression.js';

/** Rules that an expression may begin with. */
function* beginnings(expression: Expression): Generator<Rule> {
  if (expression.rule) yield expression.rule;
  else if (expression.kind === 'choice') for (const part of expression.parts) yield* beginnings(part);
  else if (expression.kind === 'repeat') yield* beginnings(expression.parts[0] as Expression);
  else if (expression.kind === 'sequence') {
    const [first, rest] = expression.parts as unknown as readonly [Expression, Expression];
    yield* beginnings(first);
    if (first.nullable) yield* beginnings(rest);
  }
}

/** Throws ARGUMENT for a rule that refers to itself before any byte is read. */
export function checkRules(rules: ReadonlyMap<string, Rule>): void {
  const done = new Map<Rule, boolean>();
  const visit = (rule: Rule): void => {
    if (done.get(rule)) return;
    if (done.has(rule))
      throw new HeedError('ARGUMENT', `response_format: the schema ${rule.name.slice(0, 100)} is itself, with nothing between`, {
        culprit: rule.name.slice(0, 100),
        cure: 'Let it refer to itself from within an object or a list',
      });
    done.set(rule, false);
    for (const next of beginnings(rule.body)) visit(next);
    done.set(rule, true);
  };
  for (const rule of rules.values()) visit(rule);
}

/** Keys of rules whose texts never end. */
export function endless(make: Expressions, rules: ReadonlyMap<string, Rule>): Set<string> {
  const ended = new Set<Rule>();
  // Rules of any JSON are not in the table, and end. Rules found later are parts of earlier ones, so they come first here.
  const own = new Set([...rules.values()].reverse());
  const ends = (expression: Expression, known: Map<Expression, boolean>): boolean => {
    const before = known.get(expression);
    if (before !== undefined) return before;
    const [first] = expression.parts;
    let found = true;
    if (expression.kind === 'nothing') found = false;
    else if (expression.rule) found = ended.has(expression.rule) || !own.has(expression.rule);
    else if (expression.kind === 'choice') found = expression.parts.some((part) => ends(part, known));
    else if (expression.kind === 'repeat') found = expression.min === 0 || ends(first as Expression, known);
    else if (expression.kind === 'sequence') {
      let rest = expression;
      for (; found && rest.kind === 'sequence'; rest = rest.parts[1] as Expression) found = ends(rest.parts[0] as Expression, known);
      found &&= ends(rest, known);
    }
    known.set(expression, found);
    return found;
  };
  for (let before = -1; before < ended.size; ) {
    before = ended.size;
    const known = new Map<Expression, boolean>();
    for (const rule of own) if (!ended.has(rule) && ends(rule.body, known)) ended.add(rule);
    make.spend(known.size / 4);
  }
  return new Set([...rules].filter(([, rule]) => !ended.has(rule)).map(([key]) => key));
}
