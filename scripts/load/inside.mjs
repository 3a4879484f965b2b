/**
 * What a load run does inside the process of a server, `node --import`ed before the command: `kill` ends the thread of an engine that was started last, as a fault of the system would, and answers how
 * many were ended; `collect` answers the bytes of JavaScript's heap that are left after its garbage was collected.
 */
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

/** @type {Set<threads.Worker>} */
const running = new Set();

threads.Worker = class extends threads.Worker {
  /** @param {ConstructorParameters<typeof threads.Worker>} args */
  constructor(...args) {
    super(...args);
    running.add(this);
    this.once('exit', () => running.delete(this));
  }
};
syncBuiltinESMExports();

/** @type {Record<string, () => number>} */
const acts = {
  kill() {
    const last = [...running].at(-1);
    void last?.terminate();
    return Number(last !== undefined);
  },
  collect() {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
};

process.on('message', (what) => process.send?.(acts[String(what)]?.()));
// The channel alone does not keep the server from ending.
process.channel?.unref();
