/** What the processes share: names in Redis, the connection, and the jobs of a folder. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Name of the queue, and of the hash with the vectors: id of a job -> float32, one vector after the other. */
export const QUEUE = 'embed';
export const VECTORS = 'embed:vectors';

/** Folder, URL or name on the hub of a sentence encoder. */
export const MODEL = process.env.MODEL ?? 'sentence-transformers/all-MiniLM-L6-v2';

/** Paragraphs of a job: enough for the model to be busy, few enough to be done again. */
const PARAGRAPHS = 16;

// BullMQ waits for Redis as long as it takes.
export const connect = () => new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', { maxRetriesPerRequest: null });

/**
 * Jobs of the texts in a folder. A job's id is a hash of what is in it: the same folder has the same jobs, and those that are done are not done again. What has changed is a new job.
 */
export async function* jobsOf(folder) {
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(md|txt)$/.test(name));
  for (const file of files.sort()) {
    const paragraphs = (await readFile(join(folder, file), 'utf8')).split(/\n\s*\n/).flatMap((text) => text.trim() || []);
    for (let first = 0; first < paragraphs.length; first += PARAGRAPHS) {
      const data = { file, first, texts: paragraphs.slice(first, first + PARAGRAPHS) };
      yield {
        name: file,
        data,
        opts: {
          jobId: createHash('sha256')
            .update(JSON.stringify([MODEL, data]))
            .digest('hex'),
        },
      };
    }
  }
}
