/**
 * examples/cloudflare-worker as its users have it: heed from npm's tarball, built as package.json says, small, and served by workerd under the caps that its configuration
 * sets. Several ask at once, hang up, or ask for nonsense.
 */
import { execFile } from 'node:child_process';
import { cp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createEngine, pipeline } from 'heed';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { budget, excess } from '../../scripts/sizes.mjs';
import { root } from '../consumers/packed.js';
import { itWith, shared } from '../shared.js';
import { BuiltWorker, binary, wanted } from './workerd.js';

const model = join(root, 'test/fixtures/bert-tiny');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!wanted)('the Worker of examples/cloudflare-worker', () => {
  let worker: BuiltWorker;
  let folder = '';

  beforeAll(async () => {
    worker = await BuiltWorker.of('cloudflare-worker');
    folder = worker.folder;
    await cp(model, join(folder, 'assets/model'), { recursive: true });
  }, 60_000);

  afterEach(() => worker.stop());
  afterAll(() => worker.remove());

  const post = (url: string, body: unknown) => fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const vectorsOf = async (response: Response): Promise<number[][]> => {
    expect(response.status).toBe(200);
    return ((await response.json()) as { vectors: number[][] }).vectors;
  };

  it('has at most 60 lines', async () => {
    expect((await readFile(join(folder, 'worker.js'), 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('has no more bytes than its budget, tokenizer and kernels included', async () => {
    const files = ['bundle/worker.js', 'wasm/simd.wasm', 'wasm/relaxed.wasm'];
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(folder, file)), { level: 9 }).length));
    const bytes = sizes.reduce((sum, size) => sum + size);
    const limit = budget.examples['cloudflare-worker']?.gzip as number;
    expect(excess({ name: 'examples/cloudflare-worker', unit: 'gzip', bytes, limit })).toBeUndefined();
  });

  it('answers with the vectors that they would be here, many at once from the first on; the model is loaded once', async () => {
    let loads = 0;
    const assets = await worker.assetsFrom(async (path) => {
      if (path.endsWith('.safetensors')) loads++;
      return 200;
    });
    const url = await worker.serve(assets);
    const texts = Array.from({ length: 12 }, (_, i) => `text number ${i}, which is one of several`);
    const answers = await Promise.all(
      texts.map((text, i) => (i % 2 ? post(url, { texts: [text] }) : fetch(`${url}?text=${encodeURIComponent(text)}`))),
    );
    const vectors = (await Promise.all(answers.map(vectorsOf))).flat();
    expect(await vectorsOf(await post(url, { texts }))).toHaveLength(texts.length);
    expect(loads).toBe(1);
    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', model, { engine });
    const expected = (await embed(texts, { pooling: 'mean', normalize: true })).tolist() as number[][];
    for (const [i, vector] of expected.entries())
      for (const [c, x] of vector.entries()) expect(Math.abs(x - (vectors[i]?.[c] ?? Number.NaN))).toBeLessThan(1e-5);
    await engine.dispose();
    assets.close();
  });

  it('answers others when the client that came first hangs up while the model loads', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let asked = () => {};
    const loading = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const assets = await worker.assetsFrom(async (path) => {
      if (path.endsWith('.safetensors')) {
        asked();
        await opened;
      }
      return 200;
    });
    const url = await worker.serve(assets);
    const first = connect(Number(new URL(url).port), '127.0.0.1');
    first.on('error', () => {});
    first.write('GET /?text=a HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await loading;
    const second = fetch(`${url}?text=b`);
    await pause(100);
    first.resetAndDestroy();
    await pause(200);
    open();
    expect(await vectorsOf(await second)).toHaveLength(1);
    expect(await vectorsOf(await fetch(`${url}?text=c`))).toHaveLength(1);
    assets.close();
  });

  it('says that a model cannot be loaded, and tries again when it is asked again', async () => {
    let failures = 1;
    const assets = await worker.assetsFrom(async (path) => (path.endsWith('.safetensors') && failures-- > 0 ? 500 : 200));
    const url = await worker.serve(assets);
    const response = await fetch(`${url}?text=a`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND', message: expect.stringContaining('model.safetensors') } });
    expect(await vectorsOf(await fetch(`${url}?text=a`))).toHaveLength(1);
    assets.close();
  });

  it('refuses what it cannot answer, and goes on', async () => {
    const url = await worker.serve();
    const status = async (response: Promise<Response>) => {
      const { status, headers } = await response;
      expect(headers.get('content-type')).toBe('application/json');
      expect(Object.keys(((await (await response).json()) as { error: object }).error)).toEqual(['code', 'message']);
      return status;
    };
    const bodies = ['', 'nonsense', 'null', {}, { texts: 'a' }, { texts: [] }, { texts: [1] }, { texts: ['a'.repeat(2001)] }];
    for (const body of [...bodies, { texts: Array(33).fill('a') }]) expect(await status(post(url, body)), String(body)).toBe(400);
    expect(await status(fetch(url))).toBe(400);
    expect(await status(post(url, { texts: ['a'.repeat(100_000)] }))).toBe(413);
    expect(await status(fetch(url, { method: 'DELETE' }))).toBe(405);
    expect(await status(fetch(`${url}model/config.json`))).toBe(404);
    expect(await vectorsOf(await post(url, { texts: ['', 'a'.repeat(2000)] }))).toHaveLength(2);
  });

  itWith('models/all-MiniLM-L6-v2')(
    'answers with MiniLM in 8 bits: 24 MiB of weights, and less than the 128 MB of an isolate above a workerd without it',
    async () => {
      const own = join(folder, '../minilm');
      await cp(folder, own, { recursive: true });
      await rm(join(own, 'assets'), { recursive: true });
      const quantize = ['node_modules/heed/dist/bin/heed.js', 'quantize', shared('models/all-MiniLM-L6-v2'), '--out', 'assets/model'];
      await promisify(execFile)(process.execPath, quantize, { cwd: own });
      expect((await stat(join(own, 'assets/model/model.safetensors'))).size).toBeLessThan(24 * 2 ** 20);
      const { stdout } = await promisify(execFile)(process.execPath, ['measure.js', '1'], { cwd: own, env: { HEED_WORKERD: binary } });
      // Its last request is the largest that the Worker takes. Cold starts are published, not tested: machines differ.
      const { first, above } = JSON.parse(stdout) as { first: number; above: number };
      expect(first).toBeGreaterThan(0);
      expect(above).toBeGreaterThan(24);
      expect(above).toBeLessThan(128);
    },
    60_000,
  );
});
