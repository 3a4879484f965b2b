/** examples/workerd as its users have it: bundled as it says, small, served by workerd, asked by several at once. */
import { type ChildProcess, exec, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createEngine, pipeline } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binaryOf } from '../scripts/runtimes.mjs';
import { root } from './runtimes/runner.js';
import { openSite, type Site } from './runtimes/site.js';

const binary = binaryOf('workerd');
const wanted = binary || process.env.HEED_REQUIRE_RUNTIMES;

/** Starts workerd on a free port, and gives the address. It tells on a file descriptor what it listens to. */
async function serve(folder: string, model: string): Promise<{ url: string; child: ChildProcess }> {
  const flags = ['--socket-addr=http=127.0.0.1:0', '--control-fd=3'];
  const child = spawn(binary ?? 'workerd', ['serve', 'config.capnp', ...flags], {
    ...{ cwd: folder, env: { MODEL: model }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
  });
  for await (const text of child.stdio[3] as Readable) {
    const { event, port } = JSON.parse(String(text).split('\n')[0] ?? '');
    if (event === 'listen') return { url: `http://127.0.0.1:${port}/`, child };
  }
  throw new Error('workerd did not start');
}

describe.skipIf(!wanted)('the Worker of examples/workerd', () => {
  let folder = '';
  let site: Site;
  let served: Awaited<ReturnType<typeof serve>>;
  const ask = async (query: string) => {
    const response = await fetch(served.url + query);
    return { status: response.status, body: await response.text() };
  };

  beforeAll(async () => {
    const copy = await mkdtemp(join(tmpdir(), 'heed-worker-'));
    folder = join(copy, 'examples/workerd');
    await cp(join(root, 'examples/workerd'), folder, { recursive: true });
    for (const name of ['dist', 'node_modules', 'package.json']) await symlink(join(root, name), join(copy, name));
    // As the example says: all lines but the last, which serves.
    const [first, ...lines] = [...readFileSync(join(folder, 'worker.js'), 'utf8').matchAll(/^ \* {3}(\S.*)$/gm)].map(([, line]) => line);
    await promisify(exec)([first, ...lines.slice(0, -1)].join(' && '), { cwd: copy });
    site = await openSite('', { isolated: false, strict: false });
    served = await serve(folder, `${site.url}fixtures/bert-tiny`);
  }, 60_000);

  afterAll(async () => {
    served?.child.kill();
    site?.close();
    await rm(join(folder, '../..'), { recursive: true });
  });

  it('has at most 200 kB gzipped, tokenizer and kernels included', async () => {
    const files = ['bundle/worker.js', 'wasm/simd.wasm', 'wasm/relaxed.wasm'];
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(folder, file))).length));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(200_000);
  });

  it('answers with the embedding that it would be here, many at once from the first on', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => `text number ${i}, which is one of several`);
    const answers = await Promise.all(texts.map((text) => ask(`?text=${encodeURIComponent(text)}`)));
    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', join(root, 'test/fixtures/bert-tiny'), { engine });
    const { data } = await embed(texts, { pooling: 'mean', normalize: true });
    const C = data.length / texts.length;
    for (const [i, { status, body }] of answers.entries()) {
      const vector: number[] = JSON.parse(body);
      expect(status).toBe(200);
      expect(vector).toHaveLength(C);
      for (const [c, x] of vector.entries()) expect(Math.abs(x - (data[i * C + c] ?? Number.NaN))).toBeLessThan(1e-5);
    }
    await engine.dispose();
  });

  it('says what is wrong', async () => {
    expect((await ask('')).status).toBe(400);
    const nowhere = await serve(folder, `${site.url}fixtures/nowhere`);
    const response = await fetch(`${nowhere.url}?text=a`);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('nowhere/config.json') });
    nowhere.child.kill();
  });
});
