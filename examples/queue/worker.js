/** One of several processes: takes jobs, writes their vectors. It may die at any time. */
import { Worker } from 'bullmq';
import { createEngine, pipeline } from 'heed';
import { connect, MODEL, QUEUE, VECTORS } from './queue.js';

// A thread for each process: several processes share the cores.
const engine = await createEngine({ threads: 1 });
const embed = await pipeline('feature-extraction', MODEL, { engine });
const redis = connect();

/** Milliseconds after which a job whose worker no longer says that it lives is another's. */
const lockDuration = Number(process.env.LOCK_MS ?? 10_000);

const worker = new Worker(
  QUEUE,
  async ({ id, data }) => {
    // A worker that died between its result and its report leaves a job that is done.
    if (await redis.hexists(VECTORS, id)) return;
    const { data: vectors } = await embed.encode(data.texts);
    // Of two workers with one job, which there are where one was taken for dead, the first writes.
    await redis.hsetnx(VECTORS, id, Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength));
  },
  // By default a job fails whose worker died twice: here it is never the job's fault.
  { connection: connect(), lockDuration, stalledInterval: lockDuration / 2, maxStalledCount: 100 },
);
worker.on('error', console.error);
process.on('SIGTERM', async () => {
  await worker.close();
  process.exit();
});
