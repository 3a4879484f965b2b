/** examples/node-server as its users have it: heed from npm's tarball, hono beside it, asked over HTTP, in its own process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine, pipeline } from 'heed';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Batcher } from '../../examples/node-server/batcher.js';
import { isInstalled, modulesOf, tools } from '../../scripts/runtimes.mjs';
import { run } from '../consumers/consumer.js';
import { install, link, pack, root } from '../consumers/packed.js';

const example = join(root, 'examples/node-server');
const model = join(root, 'test/fixtures/bert-tiny');

describe('its Batcher', () => {
  /** A batcher whose calls end when they are let go. */
  function made(most = 4) {
    const calls: { texts: string[]; signal: AbortSignal; end(error?: Error): void }[] = [];
    const call = (texts: string[], signal: AbortSignal) =>
      new Promise<number[][]>((resolve, reject) => {
        calls.push({ texts, signal, end: (error) => (error ? reject(error) : resolve(texts.map((text) => [text.length]))) });
      });
    return { calls, batcher: new Batcher(call, most) };
  }
  const never = () => new AbortController().signal;
  const turn = () => new Promise((resolve) => setTimeout(resolve));

  it('calls once for all that came meanwhile, at most so many, and gives everyone their own', async () => {
    const { calls, batcher } = made();
    const answers = [['a'], ['bb', 'ccc'], ['dddd', ''], ['e']].map((texts) => batcher.run(texts, never()));
    const large = batcher.run(['1', '2', '3', '4', '5'], never());
    expect([calls.length, batcher.waiting]).toEqual([1, 10]);
    for (let i = 0; i < 4; i++) {
      calls[i]?.end();
      await turn();
    }
    expect(calls.map(({ texts }) => texts.length)).toEqual([1, 4, 1, 5]);
    expect(await Promise.all(answers)).toEqual([[[1]], [[2], [3]], [[4], [0]], [[1]]]);
    expect([(await large).length, batcher.waiting]).toEqual([5, 0]);
  });

  it('leaves out who went away, and stops a call that nobody wants any more', async () => {
    const { calls, batcher } = made();
    const clients = Array.from({ length: 4 }, () => new AbortController());
    const [first, second, third, fourth] = clients.map(({ signal }, i) => batcher.run([`${i}`], signal)) as [
      Promise<number[][]>,
      ...Promise<number[][]>[],
    ];
    clients[1]?.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    calls[0]?.end();
    await turn();
    expect(calls[1]?.texts).toEqual(['2', '3']);
    clients[2]?.abort(new Error('gone'));
    await expect(third).rejects.toThrow('gone');
    expect(calls[1]?.signal.aborted).toBe(false);
    calls[1]?.end();
    expect(await Promise.all([first, fourth])).toEqual([[[1]], [[1]]]);
    const last = new AbortController();
    const unwanted = batcher.run(['a'], last.signal);
    last.abort(new Error('gone'));
    await expect(unwanted).rejects.toThrow('gone');
    expect(calls[2]?.signal.aborted).toBe(true);
    await expect(batcher.run(['a'], last.signal)).rejects.toThrow('gone');
  });

  it('tells of a failure those whose texts were in the call, and goes on', async () => {
    const { calls, batcher } = made();
    const [first, second] = [batcher.run(['a'], never()), batcher.run(['b'], never())];
    calls[0]?.end(new Error('no memory'));
    await expect(first).rejects.toThrow('no memory');
    await turn();
    calls[1]?.end();
    expect(await second).toEqual([[1]]);
  });
});

const missing = isInstalled('hono') ? '' : ': hono is not here; `node scripts/runtimes.mjs` installs it';

describe.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES)(`the server of examples/node-server${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-server-'));
  const manifest = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8'));
  const children: ChildProcess[] = [];

  beforeAll(() => {
    cpSync(example, folder, { recursive: true });
    install(pack(folder), folder);
    for (const name of ['hono', '@hono/node-server']) link(folder, name, modulesOf('hono'));
  }, 60_000);
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Starts the server on a free port; gives its address, which it prints. */
  async function serve(): Promise<{ url: string; child: ChildProcess }> {
    const child = spawn(process.execPath, ['server.js'], {
      cwd: folder,
      env: { ...process.env, MODEL: model, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [printed] = await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    return { url: String(printed).trim(), child };
  }
  const post = (url: string, body: unknown, options: RequestInit = {}) =>
    fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...options });
  const answerOf = async <T>(response: Promise<Response>): Promise<T> => {
    expect((await response).status).toBe(200);
    return (await response).json() as Promise<T>;
  };
  type Vectors = { vectors: number[][] };
  /** Waits until so many texts wait. The server, which computes meanwhile, answers between two batches. */
  const untilWaiting = (url: string, count: number) =>
    expect
      .poll(async () => (await answerOf<{ waiting: number }>(fetch(`${url}health`))).waiting, { interval: 5, timeout: 20_000 })
      .toBe(count);

  it('takes hono in the versions that are tested, and is short', () => {
    const { heed: _, ...own } = manifest.dependencies;
    expect(
      Object.entries(own)
        .map(([name, version]) => `${name}@${version}`)
        .sort(),
    ).toEqual([...(tools.hono?.packages ?? [])].sort());
    expect(readFileSync(join(example, 'server.js'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('has no type errors, against the types of what is packed', async () => {
    link(folder, 'typescript', join(root, 'node_modules'));
    link(folder, '@types/node', join(root, 'node_modules'));
    const options = {
      strict: true,
      checkJs: true,
      noEmit: true,
      skipLibCheck: true,
      target: 'ES2022',
      lib: ['ES2023', 'DOM'],
      module: 'NodeNext',
      types: ['node'],
      noUncheckedIndexedAccess: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.js'] }));
    await run(folder, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
  }, 60_000);

  it('embeds and searches, for many at once', async () => {
    const { url } = await serve();
    const texts = Array.from({ length: 40 }, (_, i) => `text number ${i}${', with more to say'.repeat(i % 5)}`);
    const answers = await Promise.all(texts.map((text) => answerOf<Vectors>(post(`${url}embed`, { texts: [text] }))));
    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', model, { engine });
    const expected = (await embed(texts, { pooling: 'mean', normalize: true })).tolist() as number[][];
    await engine.dispose();
    for (const [i, vector] of expected.entries())
      for (const [c, x] of vector.entries()) expect(Math.abs(x - (answers[i]?.vectors[0]?.[c] ?? Number.NaN))).toBeLessThan(1e-5);
    const { results } = await answerOf<{ results: { corpus_id: number; score: number }[] }>(
      post(`${url}search`, { query: texts[7], texts, top_k: 3 }),
    );
    expect(results).toHaveLength(3);
    expect(results[0]?.corpus_id).toBe(7);
    expect(results[0]?.score).toBeCloseTo(1, 5);
    expect((results[0]?.score ?? 0) >= (results[1]?.score ?? 1)).toBe(true);
    expect(await answerOf(fetch(`${url}health`))).toEqual({ threads: expect.any(Number), waiting: 0 });
  });

  it('refuses what it cannot answer', async () => {
    const { url } = await serve();
    const embeds = [
      '',
      'nonsense',
      'null',
      {},
      { texts: 'a' },
      { texts: [] },
      { texts: [1] },
      { texts: ['a'.repeat(8193)] },
      { texts: Array(257).fill('a') },
    ];
    const searches = ['', {}, { texts: ['a'] }, { query: 'a', texts: 3 }, { query: 'a', texts: ['a'], top_k: 0 }];
    for (const [path, bodies] of Object.entries({ embed: embeds, search: searches }))
      for (const body of bodies) {
        const response = await post(url + path, body);
        expect([response.status, Object.keys((await response.json()) as object)], JSON.stringify(body)).toEqual([400, ['error']]);
      }
    expect((await post(`${url}embed`, 'a'.repeat((4 << 20) + 1))).status).toBe(413);
    expect((await fetch(`${url}nowhere`)).status).toBe(404);
  });

  const long = Array<string>(200).fill('word '.repeat(500));

  it('is busy when too much waits, and forgets those that went away', async () => {
    const { url } = await serve();
    const client = new AbortController();
    const ask = () => post(`${url}embed`, { texts: long }, { signal: client.signal });
    const refused = Array.from({ length: 12 }, async () => expect((await ask()).status).toBe(503));
    await Promise.any(refused);
    client.abort();
    await Promise.allSettled(refused);
    await untilWaiting(url, 0);
    expect((await answerOf<Vectors>(post(`${url}embed`, { texts: ['a'] }))).vectors).toHaveLength(1);
  });

  it('answers what was asked for before it ends at SIGTERM', async () => {
    const { url, child } = await serve();
    const asked = [0, 1].map(() => answerOf<Vectors>(post(`${url}embed`, { texts: long })));
    await untilWaiting(url, long.length);
    child.kill('SIGTERM');
    const ended = once(child, 'exit');
    for (const { vectors } of await Promise.all(asked)) expect(vectors).toHaveLength(long.length);
    expect(await ended).toEqual([0, null]);
    await expect(fetch(`${url}health`)).rejects.toThrow();
  });
});
