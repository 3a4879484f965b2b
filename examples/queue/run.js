/** Embeds the texts of a folder: puts jobs into the queue, keeps workers alive, and waits. `node run.js FOLDER [WORKERS]` */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { connect, jobsOf, QUEUE, VECTORS } from './queue.js';

const [folder = '.', workers = '2'] = process.argv.slice(2);
const redis = connect();
const queue = new Queue(QUEUE, { connection: redis });

// What failed in an earlier run is tried again.
await queue.clean(0, 0, 'failed');
const ids = new Set();
let paragraphs = 0;
for await (const { name, data, opts } of jobsOf(folder)) {
  ids.add(opts.jobId);
  paragraphs += data.texts.length;
  // A job that waits in the queue already is not put there twice: its id is known.
  if (!(await redis.hexists(VECTORS, opts.jobId))) await queue.add(name, data, { ...opts, removeOnComplete: true });
}
/** Number of jobs without vectors. */
async function missing() {
  const known = new Set(await redis.hkeys(VECTORS));
  return [...ids].filter((id) => !known.has(id)).length;
}

const living = new Set();
let isDone = false;
/** Starts that ended by themselves since a job was last done: a worker that cannot load its model never does one. */
let failures = 0;
const MOST_FAILURES = 5;
function start() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('worker.js', import.meta.url))], { stdio: 'inherit' });
  living.add(child);
  console.log(`worker ${child.pid}`);
  child.on('exit', (code, signal) => {
    living.delete(child);
    if (isDone) return;
    if (code) failures++;
    console.log(`worker ${child.pid} ended by ${signal ?? code}`);
    // Not at once: what is wrong with one start is wrong with the next.
    setTimeout(() => isDone || start(), 200);
  });
}

const before = ids.size - (await missing());
console.log(`${ids.size} jobs, ${before} of them done before`);
const begin = performance.now();
if (before < ids.size) for (let i = 0; i < Number(workers); i++) start();
let least = ids.size;
for (let left = await missing(); left > 0; left = await missing()) {
  if (left < least) failures = 0;
  least = left;
  if (failures >= MOST_FAILURES) {
    console.error('Workers end before they have done a job: what they say above is why');
    process.exitCode = 1;
    break;
  }
  const [failed] = await queue.getFailed(0, 0);
  if (failed) {
    console.error(`${failed.name}: ${failed.failedReason}`);
    process.exitCode = 1;
    break;
  }
  await wait(100);
}
isDone = true;
const seconds = (performance.now() - begin) / 1000;
console.log(`${paragraphs} paragraphs in ${seconds.toFixed(1)} s`);
for (const child of living) child.kill('SIGTERM');
await queue.close();
redis.disconnect();
