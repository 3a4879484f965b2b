/** Progress of a command on standard error: a bar for work that takes longer than a moment, on a terminal, and a model's notice. */
import type { SingleBar } from 'cli-progress';
import type { JsonObject } from '../io/json.js';
import type { ProgressEvent } from '../io/progress.js';
import { onOneLine } from './failures.js';

/** Milliseconds before a bar shows: most things are over by then. */
const PATIENCE = 500;

export interface Progress {
  /** Updates the bar; `note` stands beside it. */
  update(done: number, total: number | undefined, note?: string): void;
  stop(): void;
}

export type Update = Progress['update'];

/** Bars on the terminal now: at the end of the process they are stopped, so that the terminal wraps lines again. */
const shown = new Set<SingleBar>();
process.once('exit', () => {
  for (const bar of shown) bar.stop();
});

/** Runs `work` with a bar that it moves. */
export async function withBar<T>(what: string, work: (update: Update) => Promise<T>): Promise<T> {
  const bar = progress(what);
  try {
    return await work(bar.update);
  } finally {
    bar.stop();
  }
}

/** A listener for a model's files that moves a bar: the sum of all files known so far. */
export const filesOf =
  (update: Update) =>
  (event: ProgressEvent): void => {
    if (event.status === 'progress_total') update(event.loaded, event.total);
  };

export function progress(what: string): Progress {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return { update: () => {}, stop: () => {} };
  const begin = performance.now();
  let bar: SingleBar | undefined;
  let asked = false;
  return {
    update(done, total, note = '') {
      if (total) bar?.setTotal(total);
      bar?.update(done, { note });
      if (asked || !(total || note) || performance.now() - begin < PATIENCE) return;
      asked = true;
      // Loaded when it is needed, which is seldom.
      import('cli-progress').then(({ SingleBar, Presets }) => {
        if (!asked) return;
        // Without a known total the bar shows only the amount done.
        const format = total ? `${what} {bar} {percentage}% | {note}{eta_formatted} left` : `${what} {note}`;
        const made = new SingleBar({ format, clearOnComplete: true, gracefulExit: false }, Presets.shades_classic);
        made.start(total ?? done, done, { note });
        shown.add(made);
        bar = made;
      });
    },
    stop() {
      asked = false;
      bar?.stop();
      if (bar) shown.delete(bar);
      bar = undefined;
    },
  };
}

/** Prints the `notice` of a model's config.json. */
export function showNotice({ notice }: JsonObject): void {
  if (typeof notice === 'string') process.stderr.write(`heed: ${onOneLine(notice)}\n`);
}
