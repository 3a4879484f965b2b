/** What standard error tells of a command's work: a bar for what takes longer than a moment, where that is a terminal, and a model's notice. */
import type { SingleBar } from 'cli-progress';
import type { JsonObject } from '../io/json.js';
import type { ProgressEvent } from '../io/progress.js';
import { onOneLine } from './failures.js';

/** Milliseconds before a bar shows: most things are over by then. */
const PATIENCE = 500;

export interface Progress {
  /** `note` stands beside the bar. */
  update(done: number, total: number | undefined, note?: string): void;
  stop(): void;
}

export type Update = Progress['update'];

/** The bars that are on the terminal now: whoever ends the process leaves it as it was, with lines that wrap. */
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

/** A model's listener that moves a bar: its files together, those that are known so far. */
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
        // Where nobody knows how much there is, how much was done must do.
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

/** What a model's config.json has to say to those who use it. */
export function showNotice({ notice }: JsonObject): void {
  if (typeof notice === 'string') process.stderr.write(`heed: ${onOneLine(notice)}\n`);
}
