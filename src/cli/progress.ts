/** What standard error tells of a command's work: a bar for what takes longer than a moment, where that is a terminal, and a model's notice. */
import type { JsonObject } from '../io/json.js';

/** Milliseconds before a bar shows: most things are over by then. */
const PATIENCE = 500;

export interface Progress {
  /** `note` stands beside the bar. */
  update(done: number, total: number | undefined, note?: string): void;
  stop(): void;
}

export function progress(what: string): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const begin = performance.now();
  let bar: { update(done: number, payload: { note: string }): void; stop(): void } | undefined;
  let asked = false;
  return {
    update(done, total, note = '') {
      bar?.update(done, { note });
      if (asked || !total || performance.now() - begin < PATIENCE) return;
      asked = true;
      // Loaded when it is needed, which is seldom.
      import('cli-progress').then(({ SingleBar, Presets }) => {
        const made = new SingleBar(
          { format: `${what} {bar} {percentage}% | {note}{eta_formatted} left`, clearOnComplete: true },
          Presets.shades_classic,
        );
        made.start(total, done, { note });
        if (asked) bar = made;
        else made.stop();
      });
    },
    stop() {
      asked = false;
      bar?.stop();
      bar = undefined;
    },
  };
}

/** What a model's config.json has to say to those who use it. */
export function showNotice({ notice }: JsonObject): void {
  if (typeof notice === 'string') process.stderr.write(`heed: ${notice.replace(/\p{Cc}/gu, ' ')}\n`);
}
