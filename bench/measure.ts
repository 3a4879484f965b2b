/**
 * Times tasks against each other in one process, interleaved: round after round every task runs for a while, in turns that reverse, so
 * that a slow spell of the machine meets all of them, and a ratio compares times of the same round. A task is a function, synchronous or
 * not, that does the same work each time. All times are milliseconds a call.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export type Task = () => unknown;

export interface Options {
  /** How often each task has its turn. */
  rounds?: number;
  /** How long a turn lasts at least; one call at least. */
  minMs?: number;
  /** How long each task runs before anything counts: V8's second tier comes after a few hundred calls of a kernel. */
  warmMs?: number;
  /** The break before a turn, in which threads of the task before stop spinning. */
  pauseMs?: number;
}

/** The middle of a sample, and its quartiles. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

export interface Comparison<Name extends string> {
  times: Record<Name, Spread>;
  /** Calls that counted, all rounds together. */
  calls: Record<Name, number>;
  /** How many times as fast `fast` is as `slow`: the ratios of the rounds, each within its round. */
  ratio(slow: Name, fast: Name): Spread;
}

export function spread(sample: readonly number[]): Spread {
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** A promise is awaited, anything else is not: an await costs a synchronous task a microsecond. */
async function callFor(task: Task, ms: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ms;
  let start = performance.now();
  do {
    const result = task();
    if (result instanceof Promise) await result;
    const now = performance.now();
    times.push(now - start);
    start = now;
  } while (start < end);
  return times;
}

export async function compare<Name extends string>(tasks: Record<Name, Task>, options: Options = {}): Promise<Comparison<Name>> {
  const { rounds = 15, minMs = 100, warmMs = 1000, pauseMs = 60 } = options;
  const names = Object.keys(tasks) as Name[];
  const record = <T>(value: (name: Name) => T) => Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, T>;
  const turns = record<number[]>(() => []);
  const calls = record(() => 0);

  for (const name of names) await callFor(tasks[name], warmMs);
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? [...names].reverse() : names) {
      await sleep(pauseMs);
      await callFor(tasks[name], 0); // wakes the threads and fills the caches
      const times = await callFor(tasks[name], minMs);
      turns[name].push(spread(times).median);
      calls[name] += times.length;
    }
  }
  return {
    times: record((name) => spread(turns[name])),
    calls,
    ratio: (slow, fast) => spread(turns[slow].map((time, round) => time / (turns[fast][round] as number))),
  };
}

/** One task by itself. */
export async function measure(task: Task, options?: Options): Promise<Spread> {
  return (await compare({ task }, options)).times.task;
}
