/**
 * Jinja templates, run by @huggingface/jinja with a limit: a template comes with a model, and may contain endless loops. Evaluations are counted, and so are
 * the lengths of texts and lists that grow on the way.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

/** Largest number of evaluations: seconds, even of loops, the slowest kind. A long template takes some 100 steps for a message. */
const MOST_STEPS = 1_000_000;
/** Number of characters of a text, and of elements of a list, that count as one further step each time they are used. */
const [CHARACTERS, ELEMENTS] = [256, 64];
/** Steps that a loop's turn counts as, whatever it does: the interpreter makes a scope and a dozen variables for it. */
const TURN = 4;

export class Endless extends Error {}

/** What a loop walks through, behind a condition or not. */
interface Loop {
  iterable: { type: string; lhs?: object };
}

class Bounded extends Interpreter {
  #left = MOST_STEPS;
  /** Expressions that loops walk through, a turn for each element. */
  readonly #walked = new WeakSet<object>();

  /** Throws Endless where no step is left. */
  take(steps: number): void {
    this.#left -= steps;
    if (!(this.#left >= 0)) throw new Endless(`it did not end within ${MOST_STEPS} steps`);
  }

  override evaluate(...given: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    const statement = given[0] as ({ type: string } & Partial<Loop>) | undefined;
    this.take(1);
    if (statement?.type === 'For' && statement.iterable) this.#walked.add(statement.iterable.lhs ?? statement.iterable);
    const result = super.evaluate(...given);
    const { value } = result;
    const each = statement && this.#walked.has(statement) ? TURN : 1 / ELEMENTS;
    if (typeof value === 'string') this.take(value.length / CHARACTERS);
    else if (Array.isArray(value)) this.take(value.length * each);
    else if (value instanceof Map) this.take(value.size * each);
    return result;
  }
}

const two = (n: number) => String(n).padStart(2, '0');
const month = (date: Date, month: 'long' | 'short') => date.toLocaleString('en', { month });
const weekday = (date: Date, weekday: 'long' | 'short') => date.toLocaleString('en', { weekday });
/** Python's codes of a date's parts, in English. */
const parts: Readonly<Record<string, (date: Date) => string | number>> = {
  ...{ Y: (date) => date.getFullYear(), m: (date) => two(date.getMonth() + 1), d: (date) => two(date.getDate()) },
  ...{ b: (date) => month(date, 'short'), B: (date) => month(date, 'long'), '%': () => '%' },
  ...{ a: (date) => weekday(date, 'short'), A: (date) => weekday(date, 'long') },
  ...{ H: (date) => two(date.getHours()), M: (date) => two(date.getMinutes()), S: (date) => two(date.getSeconds()) },
};

/** A template that was read. Throws SyntaxError for one that cannot be. */
export class BoundedTemplate {
  readonly #program: object;

  constructor(source: string) {
    this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  }

  /** Throws what the template raises, and Endless. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    const interpreter = new Bounded(environment);
    const globals = {
      ...{ true: true, false: false, none: null, True: true, False: false, None: null },
      raise_exception: (message: string) => {
        throw new Error(message);
      },
      range: (first: number, end?: number, step = 1) => {
        const [from, to] = end === undefined ? [0, first] : [first, end];
        if (step === 0) throw new Error('range() has steps of 0');
        const length = Math.max(0, Math.ceil((to - from) / step));
        interpreter.take(length);
        return Array.from({ length }, (_, i) => from + i * step);
      },
      strftime_now: (format: string) => {
        const now = new Date();
        return format.replace(/%(.)/g, (all, part: string) => (Object.hasOwn(parts, part) ? String(parts[part]?.(now)) : all));
      },
      ...variables,
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    return String(interpreter.run(this.#program).value);
  }
}
