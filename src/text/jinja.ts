/**
 * Templates in Jinja, as @huggingface/jinja runs them, with an end: a template comes with a model, and may loop for as long as it likes. What is evaluated is counted, and so is how
 * long texts and lists grow on the way.
 */
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';

/** What is evaluated at most: seconds, of the slowest kind, which are loops. A long template takes some 100 steps for a message. */
const MOST_STEPS = 1_000_000;
/** Characters of a text, and elements of a list, that count as a step more each time that they are touched. */
const [CHARACTERS, ELEMENTS] = [256, 64];

export class Endless extends Error {}

class Bounded extends Interpreter {
  #left = MOST_STEPS;

  /** Throws Endless where no step is left. */
  take(steps: number): void {
    this.#left -= steps;
    if (!(this.#left >= 0)) throw new Endless(`it did not end within ${MOST_STEPS} steps`);
  }

  override evaluate(...given: Parameters<Interpreter['evaluate']>): ReturnType<Interpreter['evaluate']> {
    this.take(1);
    const result = super.evaluate(...given);
    const { value } = result;
    if (typeof value === 'string') this.take(value.length / CHARACTERS);
    else if (Array.isArray(value)) this.take(value.length / ELEMENTS);
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
