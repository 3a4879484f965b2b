/**
 * Times tasks against each other in one process, interleaved: round after round every task runs for a while, in turns that reverse, so
 * that a slow spell of the machine meets all of them, and a ratio compares times of the same round. A task is a function, synchronous or
 * not, that does the same work each time. All times are milliseconds a call. It runs in every runtime, browsers and workerd included.
 */

export type Task = () => unknown;

export interface Options {
  /** How often each task has its turn. */
  rounds?: number | undefined;
  /** How long a turn lasts at least; one call at least. */
  minMs?: number;
  /** How long each task runs before anything counts: V8's second tier comes after a few hundred calls of a kernel. */
  warmMs?: number;
  /** The break before a turn, in which threads of the task before stop spinning. */
  pauseMs?: number;
  /** How long calls are timed together: clocks of browsers have steps of 0.02 to 1 ms. Default 0, each call by itself. */
  batchMs?: number;
  /** What milliseconds are read from. Default: the clock on the wall. */
  now?: () => number;
}

const wall = () => performance.now();

/** Milliseconds that all threads of this process have computed for: what others do on the machine hardly shows. Of one thread's work alone: threads that wait compute too. */
export const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

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
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return below + (place % 1) * (above - below);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds a call of each batch. A promise is awaited, anything else is not: an await costs a synchronous task a microsecond. */
async function callFor(task: Task, ms: number, batch = 1, now = wall): Promise<number[]> {
  const times: number[] = [];
  const end = now() + ms;
  let start = now();
  do {
    for (let left = batch; left > 0; left--) {
      const result = task();
      if (result instanceof Promise) await result;
    }
    const moment = now();
    times.push((moment - start) / batch);
    start = moment;
  } while (start < end);
  return times;
}

/** Warms a task, and gives the number of calls that last about `batchMs` once it is warm. */
async function warm(task: Task, warmMs: number, batchMs: number): Promise<number> {
  await callFor(task, 0.75 * warmMs);
  const times = await callFor(task, 0.25 * warmMs);
  // The mean, since a coarse clock sees no time at all in most single calls.
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return Math.max(1, Math.ceil(batchMs / mean));
}

export async function compare<Name extends string>(tasks: Record<Name, Task>, options: Options = {}): Promise<Comparison<Name>> {
  const { rounds = 15, minMs = 100, warmMs = 1000, pauseMs = 60, batchMs = 0, now = wall } = options;
  const names = Object.keys(tasks) as Name[];
  const record = <T>(value: (name: Name) => T) => Object.fromEntries(names.map((name) => [name, value(name)])) as Record<Name, T>;
  const turns = record<number[]>(() => []);
  const calls = record(() => 0);
  const batch = record(() => 1);

  for (const name of names) batch[name] = await warm(tasks[name], warmMs, batchMs);
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? [...names].reverse() : names) {
      await sleep(pauseMs);
      await callFor(tasks[name], 0); // wakes the threads and fills the caches
      const times = await callFor(tasks[name], minMs, batch[name], now);
      turns[name].push(spread(times).median);
      calls[name] += times.length * batch[name];
    }
  }
  return {
    times: record((name) => spread(turns[name])),
    calls,
    ratio: (slow, fast) => spread(turns[slow].map((time, round) => time / (turns[fast][round] as number))),
  };
}
