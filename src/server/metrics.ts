/** Numbers of the server in Prometheus' text format: counters and histograms of requests that have ended, and how things stand now. */
import type { Models } from './models.js';
import type { RequestLog } from './options.js';

type Labels = Readonly<Record<string, string | number>>;

/** Upper bounds of a histogram's buckets, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

const escaped = (text: string): string => text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
const keyOf = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');
const line = (name: string, key: string, value: number): string => `${name}${key && `{${key}}`} ${value}`;

/** A number for each set of labels, which only grows. */
class Counter {
  readonly #values = new Map<string, number>();

  constructor(
    readonly name: string,
    readonly help: string,
  ) {}

  add(labels: Labels, value = 1): void {
    const key = keyOf(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + value);
  }

  lines(): string[] {
    return headed(
      this,
      'counter',
      [...this.#values].map(([key, value]) => line(this.name, key, value)),
    );
  }
}

/** Seconds for each set of labels. */
class Histogram {
  readonly #values = new Map<string, { counts: number[]; sum: number }>();

  constructor(
    readonly name: string,
    readonly help: string,
  ) {}

  add(labels: Labels, seconds: number): void {
    const key = keyOf(labels);
    const own = this.#values.get(key) ?? { counts: Array<number>(BOUNDS.length + 1).fill(0), sum: 0 };
    this.#values.set(key, own);
    own.sum += seconds;
    for (const [i, bound] of [...BOUNDS, Number.POSITIVE_INFINITY].entries())
      if (seconds <= bound) own.counts[i] = (own.counts[i] as number) + 1;
  }

  lines(): string[] {
    const each = ([key, { counts, sum }]: [string, { counts: number[]; sum: number }]) => [
      ...counts.map((count, i) => line(`${this.name}_bucket`, `${key && `${key},`}le="${BOUNDS[i] ?? '+Inf'}"`, count)),
      line(`${this.name}_sum`, key, sum),
      line(`${this.name}_count`, key, counts.at(-1) as number),
    ];
    return headed(this, 'histogram', [...this.#values].flatMap(each));
  }
}

const headed = ({ name, help }: { name: string; help: string }, type: string, lines: readonly string[]): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...lines,
];

/** Memory of the whole process, by the names that Prometheus' clients have for it; nothing in a page. */
const processMemory = (): readonly (readonly [name: string, help: string, bytes: number])[] => {
  const memory = (globalThis as { process?: { memoryUsage?(): { rss: number; heapUsed: number } } }).process?.memoryUsage?.();
  if (!memory) return [];
  return [
    ['process_resident_memory_bytes', 'Resident memory of the process.', memory.rss],
    ['nodejs_heap_size_used_bytes', "Bytes of JavaScript's heap that are in use.", memory.heapUsed],
  ];
};

export class Metrics {
  readonly #requests = new Counter('heed_requests_total', 'Requests that have ended, by path and status.');
  readonly #prompt = new Counter('heed_prompt_tokens_total', 'Tokens that were read.');
  readonly #completion = new Counter('heed_completion_tokens_total', 'Tokens that were written.');
  readonly #seconds = new Histogram('heed_request_seconds', 'Time from the arrival of a request to the end of its answer.');
  readonly #first = new Histogram('heed_first_token_seconds', 'Time from the arrival of a request to its first token.');

  /** Counts a request that has ended. `path`: that of its route. */
  count(path: string, { status, milliseconds, model, prompt_tokens, completion_tokens, first_token }: RequestLog): void {
    this.#requests.add({ path, status });
    this.#seconds.add({ path }, milliseconds / 1000);
    if (model === undefined) return;
    if (prompt_tokens) this.#prompt.add({ model }, prompt_tokens);
    if (completion_tokens) this.#completion.add({ model }, completion_tokens);
    if (first_token !== undefined) this.#first.add({ model }, first_token / 1000);
  }

  /** All numbers. */
  async text(models: Models, running: number): Promise<string> {
    const { used, size } = await models.memory();
    const gauge = (name: string, help: string, values: readonly (readonly [Labels, number])[]) =>
      headed(
        { name, help },
        'gauge',
        values.map(([labels, value]) => line(name, keyOf(labels), value)),
      );
    const each = (of: (entry: Models['all'][number]) => number) => models.all.map((entry) => [{ model: entry.name }, of(entry)] as const);
    const lines = [
      ...[this.#requests, this.#prompt, this.#completion, this.#seconds, this.#first].flatMap((one) => one.lines()),
      ...gauge('heed_requests_running', 'Requests that are not yet answered.', [[{}, running]]),
      ...gauge(
        'heed_places_taken',
        'Texts that a model works on.',
        each(({ places }) => places.taken),
      ),
      ...gauge(
        'heed_requests_waiting',
        'Requests that wait for a model.',
        each(({ places }) => places.waiting),
      ),
      ...gauge(
        'heed_model_loaded',
        '1 where the weights of a model are in memory.',
        each(({ isLoaded }) => Number(isLoaded)),
      ),
      ...gauge('heed_memory_used_bytes', "Bytes of the engine's memory that are in use.", [[{}, used]]),
      ...gauge('heed_memory_size_bytes', "Bytes of the engine's memory.", [[{}, size]]),
      ...processMemory().flatMap(([name, help, bytes]) => gauge(name, help, [[{}, bytes]])),
    ];
    return `${lines.join('\n')}\n`;
  }
}
