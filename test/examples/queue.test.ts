/** examples/queue as its users have it, with a real Redis of its own: workers that are killed while they work lose nothing, and nothing is there twice. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createEngine, pipeline } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled, modulesOf, tools } from '../../scripts/runtimes.mjs';
import { install, link, pack, root } from '../consumers/packed.js';

const example = join(root, 'examples/queue');
const model = join(root, 'test/fixtures/bert-tiny');
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
const missing = hasRedis
  ? isInstalled('queue')
    ? ''
    : ': BullMQ is not here; `node scripts/runtimes.mjs` installs it'
  : ': redis-server is not here; `node scripts/runtimes.mjs browsers` installs it';

interface Shared {
  connect(): { hgetallBuffer(key: string): Promise<Record<string, Buffer>>; disconnect(): void };
  jobsOf(folder: string): AsyncIterable<{ data: { texts: string[] }; opts: { jobId: string } }>;
  QUEUE: string;
  VECTORS: string;
}
interface Events {
  on(name: 'stalled', listener: (event: { jobId: string }) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

describe.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES)(`the workers of examples/queue${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-queue-'));
  const texts = join(folder, 'texts');
  const env: NodeJS.ProcessEnv = { ...process.env, MODEL: model, LOCK_MS: '2000' };
  const words = ['rain', 'a cat', 'falls', 'on the hill', 'and', 'sleeps', 'two dogs', 'run'];
  let redis: ChildProcess;
  let shared: Shared;

  beforeAll(async () => {
    cpSync(example, folder, { recursive: true });
    install(pack(folder), folder);
    for (const name of ['bullmq', 'ioredis']) link(folder, name, modulesOf('queue'));
    for (let file = 0; file < 8; file++) {
      const paragraph = (n: number) =>
        Array.from({ length: 30 }, (_, i) => words[(file * 7 + n * 3 + i * i * (n + 1)) % words.length]).join(' ');
      mkdirSync(join(texts, `${file % 3}`), { recursive: true });
      writeFileSync(join(texts, `${file % 3}`, `${file}.md`), Array.from({ length: 400 }, (_, n) => `${n} ${paragraph(n)}`).join('\n\n'));
    }
    // A socket in the folder, where no other can be: Redis takes no port that is free and tells which.
    const socket = join(folder, 'redis.sock');
    redis = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', folder]);
    for await (const line of redis.stdout as NonNullable<typeof redis.stdout>) if (/ready to accept/i.test(String(line))) break;
    env.REDIS_URL = socket;
    Object.assign(process.env, { MODEL: model, REDIS_URL: env.REDIS_URL });
    shared = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'queue.js')).href)) as Shared;
  }, 60_000);
  afterAll(async () => {
    redis?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Runs to the end; `onWorker` hears of each worker's process. */
  async function run(
    workers: number,
    onWorker?: (pid: number) => void,
    own: NodeJS.ProcessEnv = {},
  ): Promise<{ printed: string; code: number }> {
    const child = spawn(process.execPath, ['run.js', texts, `${workers}`], {
      ...{ cwd: folder, env: { ...env, ...own } },
      stdio: ['ignore', 'pipe', own.MODEL ? 'pipe' : 'inherit'],
    });
    let printed = '';
    child.stderr?.on('data', (data) => {
      printed += data;
    });
    child.stdout?.on('data', (data) => {
      printed += data;
      for (const [, pid] of String(data).matchAll(/^worker (\d+)$/gm)) onWorker?.(Number(pid));
    });
    const [code] = await once(child, 'close');
    return { printed, code };
  }

  it('take BullMQ in the versions that are tested', () => {
    const { heed: _, ...own } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8')).dependencies;
    const named = Object.entries(own).map(([name, version]) => `${name}@${version}`);
    expect(named.sort()).toEqual([...(tools.queue?.packages ?? [])].sort());
  });

  it('are killed while they work, and started again: each result is there once, and right', async () => {
    const { QueueEvents } = createRequire(join(folder, 'queue.js'))('bullmq') as {
      QueueEvents: new (name: string, options: object) => Events;
    };
    const events = new QueueEvents(shared.QUEUE, { connection: shared.connect() });
    await events.waitUntilReady();
    const stalled = new Set<string>();
    events.on('stalled', ({ jobId }) => stalled.add(jobId));
    const reader = shared.connect();
    const [killed, left] = [new Set<number>(), new Set<number>()];
    // The first four workers, two of each place, die as soon as vectors came in since they were started.
    const hunt = async (pid: number) => {
      const before = Object.keys(await reader.hgetallBuffer(shared.VECTORS)).length;
      while (Object.keys(await reader.hgetallBuffer(shared.VECTORS)).length < before + 10) await wait(5);
      process.kill(pid, 'SIGKILL');
      killed.add(pid);
    };
    const hunts: Promise<void>[] = [];
    const { printed, code } = await run(2, (pid) => {
      if (hunts.length < 4) hunts.push(hunt(pid));
      else left.add(pid);
    });
    await Promise.all(hunts);
    expect(code).toBe(0);
    expect(printed).toMatch(/^200 jobs, 0 of them done before$/m);
    expect(printed.match(/ended by SIGKILL/g)).toHaveLength(4);
    expect([killed.size, left.size]).toEqual([4, 2]);
    // Jobs were lost by their workers, and found again.
    await expect.poll(() => stalled.size, { timeout: 10_000 }).toBeGreaterThan(0);

    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', model, { engine });
    const found = await reader.hgetallBuffer(shared.VECTORS);
    let count = 0;
    for await (const { data, opts } of shared.jobsOf(texts)) {
      count++;
      const bytes = found[opts.jobId] as Buffer;
      const vectors = new Float32Array(new Uint8Array(bytes).buffer);
      expect(vectors).toEqual((await embed.encode(data.texts)).data);
    }
    expect([count, Object.keys(found).length]).toEqual([200, 200]);
    await engine.dispose();

    const again = await run(1);
    expect(again.printed).toMatch(/^200 jobs, 200 of them done before\n3200 paragraphs in [\d.]+ s\n$/);
    await events.close();
    reader.disconnect();

    const lost = await run(1, undefined, { MODEL: join(folder, 'nowhere') });
    expect(lost.code).toBe(1);
    expect(lost.printed).toMatch(/nowhere[\s\S]*Workers end before they have done a job/);
  }, 300_000); // ten processes, one of which ends five times over before it has loaded anything
});
