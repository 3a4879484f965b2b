/**
 * Expressions: the possible texts, as a tree over bytes. An expression is also the state of the automaton that reads a text: its derivative by a byte
 * (Brzozowski 1964) describes the possible texts behind that byte. Rules stand for recursive expressions, and the expressions that follow a rule are the
 * automaton's stack. Equal expressions are one object, so that states are compared, kept and forked at no cost, and everything is made when first needed.
 */
import { HeedError } from '../../errors.js';
import { type ByteSet, bytesOf, has, keyOf, union } from './byte_set.js';
import { isLive } from './live.js';
import { type Partition, Partitions } from './partition.js';

export type Kind = 'nothing' | 'empty' | 'bytes' | 'sequence' | 'choice' | 'repeat' | 'all' | 'not' | 'word' | 'rule';

/** Rule for an expression that may be recursive. A rule never matches the empty text. */
export interface Rule {
  readonly id: number;
  /** Name in messages. */
  readonly name: string;
  body: Expression;
}

/** Node of the tree. The other members depend on its kind; only `Expressions` makes nodes. */
export class Expression {
  /** Derivatives by each run of bytes, as far as computed. */
  edges: (Expression | undefined)[] | undefined;
  partition: Partition | undefined;
  /** `true` where any text fits; known of expressions with intersections only once `isLive` has looked. */
  live: boolean | undefined;

  constructor(
    readonly id: number,
    readonly kind: Kind,
    /** `true` where the text may end here. */
    readonly nullable: boolean,
    /** No intersection and no complement is in it, so that some text fits. */
    readonly plain: boolean,
    /** Parts. sequence: the first part and the rest; choice, all: any number; repeat, not, word: one. */
    readonly parts: readonly Expression[],
    readonly set?: ByteSet,
    readonly min = 0,
    readonly max = 0,
    readonly rule?: Rule,
  ) {}
}

/** Number of expressions that are kept; then all are dropped and made again. */
const MOST_KEPT = 100_000;
/** Steps that one question may take: some tenths of a second. */
const MOST_WORK = 250_000;

const encoder = new TextEncoder();

/** Makes expressions, each once, and their derivatives. One for each vocabulary. */
export class Expressions {
  #known = new Map<string, Expression>();
  readonly #partitions = new Partitions();
  #memo = new Map<string, unknown>();
  #single: (Expression | undefined)[] = [];
  #next = 0;
  #work = 0;
  /** No text fits. */
  readonly nothing = new Expression(this.#next++, 'nothing', false, true, []);
  /** The empty text. */
  readonly empty = new Expression(this.#next++, 'empty', true, true, []);
  /** Any bytes. */
  readonly anything: Expression;

  /** `most`: expressions that are kept. */
  constructor(readonly most = MOST_KEPT) {
    this.anything = this.not(this.nothing);
  }

  /** Begins a question and resets its count of work. Returns `true` where the kept expressions were dropped. */
  begin(): boolean {
    this.#work = 0;
    if (this.#known.size < this.most) return false;
    // Expressions still in use stay valid, but no longer hold the expressions that follow them.
    for (const expression of this.#known.values()) expression.edges = undefined;
    this.#known = new Map();
    this.#memo = new Map();
    this.#single = [];
    return true;
  }

  /** Returns `create()`, made once for a name, for as long as expressions are kept. */
  once<T>(name: string, create: () => T): T {
    if (!this.#memo.has(name)) this.#memo.set(name, create());
    return this.#memo.get(name) as T;
  }

  /** Counts work. Throws ARGUMENT where a question takes too much. */
  spend(steps: number): void {
    this.#work += steps;
    if (this.#work > MOST_WORK)
      throw new HeedError('ARGUMENT', `response_format is too complex: more than ${MOST_WORK} steps for one answer`, {
        culprit: 'response_format',
        cure: 'Ask for less: fewer alternatives that begin alike, smaller bounds of repetitions',
      });
  }

  #make(kind: Kind, key: string, nullable: boolean, parts: readonly Expression[], more: Partial<Expression> = {}): Expression {
    const name = `${kind} ${key}`;
    const known = this.#known.get(name);
    if (known) return known;
    this.spend(1 + parts.length / 4);
    const plain = kind !== 'all' && kind !== 'not' && parts.every((part) => part.plain);
    const { set, min, max, rule } = more;
    const made = new Expression(this.#next++, kind, nullable, plain, parts, set, min, max, rule);
    this.#known.set(name, made);
    return made;
  }

  /** Expression of one byte of a set. */
  bytes(set: ByteSet): Expression {
    return set.some(Boolean) ? this.#make('bytes', keyOf(set), false, [], { set }) : this.nothing;
  }

  /** Expression of exactly these bytes. */
  literal(bytes: Iterable<number>): Expression {
    const single = (byte: number) => {
      this.#single[byte] ??= this.bytes(bytesOf([byte, byte]));
      return this.#single[byte];
    };
    return this.sequence(...Array.from(bytes, single));
  }

  text = (text: string): Expression => this.literal(encoder.encode(text));

  /** Sequence of expressions. */
  sequence(...all: readonly Expression[]): Expression {
    return all.reduceRight((rest, part) => this.#before(part, rest), this.empty);
  }

  #before(first: Expression, rest: Expression): Expression {
    if (first === this.nothing || rest === this.nothing) return this.nothing;
    if (first === this.empty) return rest;
    if (rest === this.empty) return first;
    const heads: Expression[] = [];
    let last = first;
    for (; last.kind === 'sequence'; last = last.parts[1] as Expression) heads.push(last.parts[0] as Expression);
    heads.push(last);
    return heads.reduceRight(
      (tail, head) => this.#make('sequence', `${head.id},${tail.id}`, head.nullable && tail.nullable, [head, tail]),
      rest,
    );
  }

  /** Choice between expressions. Expressions with a common beginning, other than a byte, share it, so that a text that can be read in many ways has one stack, not many. */
  choice(...all: readonly Expression[]): Expression {
    const flat = new Set<Expression>();
    let bytes: ByteSet | undefined;
    for (const one of all)
      for (const part of one.kind === 'choice' ? one.parts : [one])
        if (part.set) bytes = bytes ? union(bytes, part.set) : part.set;
        else if (part !== this.nothing) flat.add(part);
    this.spend(flat.size / 4);
    if (bytes) flat.add(this.bytes(bytes));
    if (flat.size > 1) this.#joinWords(flat);
    if (flat.size > 1) this.#joinHeads(flat);
    if (flat.has(this.empty) && [...flat].some((part) => part.nullable && part !== this.empty)) flat.delete(this.empty);
    if (flat.size < 2) return [...flat][0] ?? this.nothing;
    const parts = [...flat].sort((a, b) => a.id - b.id);
    const nullable = parts.some((part) => part.nullable);
    return this.#make('choice', parts.map(({ id }) => id).join(), nullable, parts);
  }

  #split = (part: Expression): readonly [Expression, Expression] =>
    part.kind === 'sequence' ? (part.parts as unknown as readonly [Expression, Expression]) : [part, this.empty];

  /** Joins expressions with the same result of `commonOf`. */
  #join(
    flat: Set<Expression>,
    commonOf: (head: Expression, tail: Expression) => Expression | undefined,
    joined: (group: readonly Expression[]) => Expression,
  ): void {
    const groups = new Map<Expression, Expression[]>();
    for (const part of flat) {
      const common = commonOf(...this.#split(part));
      const group = common && groups.get(common);
      if (group) group.push(part);
      else if (common) groups.set(common, [part]);
    }
    for (const group of groups.values()) {
      if (group.length < 2) continue;
      for (const part of group) flat.delete(part);
      flat.add(joined(group));
    }
  }

  /** Words before the same are one. */
  #joinWords(flat: Set<Expression>): void {
    const inner = (part: Expression) => this.#split(part)[0].parts[0] as Expression;
    this.#join(
      flat,
      (head, tail) => (head.kind === 'word' ? tail : undefined),
      (group) => this.#before(this.word(this.choice(...group.map(inner))), this.#split(group[0] as Expression)[1]),
    );
  }

  #joinHeads(flat: Set<Expression>): void {
    this.#join(
      flat,
      (head) => (head.set || head === this.empty ? undefined : head),
      (group) => this.#before(this.#split(group[0] as Expression)[0], this.choice(...group.map((part) => this.#split(part)[1]))),
    );
  }

  optional = (part: Expression): Expression => this.repeat(part, 0, 1);

  /** Repetition of a part, from `min` to `max` times. */
  repeat(part: Expression, least: number, max = Number.POSITIVE_INFINITY): Expression {
    const min = part.nullable ? 0 : least;
    if (max < min) return this.nothing;
    if (max === 0 || part === this.empty) return this.empty;
    if (part === this.nothing) return min === 0 ? this.empty : this.nothing;
    if (min === 1 && max === 1) return part;
    if (part.kind === 'repeat' && part.min === 0 && part.max === Number.POSITIVE_INFINITY) return part;
    return this.#make('repeat', `${part.id},${min},${max}`, min === 0, [part], { min, max });
  }

  /** Intersection: texts that fit all of the expressions. Within a word. */
  all(...all: readonly Expression[]): Expression {
    const flat = new Set(all.flatMap((one) => (one.kind === 'all' ? one.parts : [one])));
    flat.delete(this.anything);
    if (flat.has(this.nothing)) return this.nothing;
    if (flat.size < 2) return [...flat][0] ?? this.anything;
    const parts = [...flat].sort((a, b) => a.id - b.id);
    const nullable = parts.every((part) => part.nullable);
    return this.#make('all', parts.map(({ id }) => id).join(), nullable, parts);
  }

  /** Complement: texts that do not fit. Within a word. */
  not(part: Expression): Expression {
    if (part === this.nothing && this.anything) return this.anything;
    return part.kind === 'not' ? (part.parts[0] as Expression) : this.#make('not', String(part.id), !part.nullable, [part]);
  }

  /** Word: an expression without rules that is treated as a unit; the tokens that stay within a word are found once, whatever follows the word. */
  word(part: Expression): Expression {
    if (part.kind === 'word' || part === this.empty) return part;
    if (!isLive(this, this.#partitions, part)) return this.nothing;
    return this.#make('word', String(part.id), part.nullable, [part]);
  }

  /** A new rule, whose body is to be set before anything is read. */
  rule = (name: string): Rule => ({ id: this.#next++, name, body: this.nothing });

  /** Expression of a rule. */
  of(rule: Rule): Expression {
    return this.#make('rule', String(rule.id), false, [], { rule });
  }

  /** Expression of the text that may follow a byte (Brzozowski's derivative). */
  after(state: Expression, byte: number): Expression {
    if (state === this.nothing || state === this.empty) return this.nothing;
    const partition = this.#partitions.of(state);
    state.edges ??= new Array(partition.firsts.length);
    const run = partition.runOf[byte] as number;
    const known = state.edges[run];
    if (known) return known;
    this.spend(1);
    const found = this.#derive(state, byte);
    state.edges[run] = found;
    return found;
  }

  #derive(state: Expression, byte: number): Expression {
    const [first, rest] = state.parts as unknown as readonly [Expression, Expression];
    switch (state.kind) {
      case 'bytes':
        return has(state.set as ByteSet, byte) ? this.empty : this.nothing;
      case 'sequence': {
        const within = this.#before(this.after(first, byte), rest);
        return first.nullable ? this.choice(within, this.after(rest, byte)) : within;
      }
      case 'choice':
        return this.choice(...state.parts.map((part) => this.after(part, byte)));
      case 'repeat':
        return this.#before(this.after(first, byte), this.repeat(first, Math.max(0, state.min - 1), state.max - 1));
      case 'all':
        return this.all(...state.parts.map((part) => this.after(part, byte)));
      case 'not':
        return this.not(this.after(first, byte));
      case 'word':
        return this.word(this.after(first, byte));
      case 'rule':
        return this.after((state.rule as Rule).body, byte);
      default:
        return this.nothing;
    }
  }
}
