/**
 * examples/cloudflare-worker as its users have it: heed from npm's tarball, built as package.json says, small, and served by workerd under the caps that its configuration
 * sets. Several ask at once, hang up, or ask for nonsense.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createEngine, pipeline } from 'heed';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { install, pack, root } from '../consumers/packed.js';
import { itWith, shared } from '../shared.js';

const binary = binaryOf('workerd');
const wanted = binary || process.env.HEED_REQUIRE_RUNTIMES;
const model = join(root, 'test/fixtures/bert-tiny');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(!wanted)('the Worker of examples/cloudflare-worker', () => {
  let folder = '';
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    const temporary = await mkdtemp(join(tmpdir(), 'heed-worker-'));
    folder = join(temporary, 'worker');
    await cp(join(root, 'examples/cloudflare-worker'), folder, { recursive: true });
    install(pack(temporary), folder);
    const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
    await promisify(execFile)('npm', ['run', 'build'], { cwd: folder, env });
    await cp(model, join(folder, 'assets/model'), { recursive: true });
  }, 60_000);

  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });
  afterAll(() => rm(join(folder, '..'), { recursive: true }));

  /** Starts workerd on a free port, and gives the address. It tells on a file descriptor what it listens to. Assets may come from a server instead. */
  async function serve(assets?: Server): Promise<string> {
    let config = 'config.capnp';
    if (assets) {
      const external = `external = (address = "127.0.0.1:${(assets.address() as AddressInfo).port}", http = ())`;
      const text = await readFile(join(folder, config), 'utf8');
      config = 'server.capnp';
      await writeFile(join(folder, config), text.replace('disk = "assets"', external));
    }
    const child = spawn(binary ?? 'workerd', ['serve', config, '--socket-addr=http=127.0.0.1:0', '--control-fd=3'], {
      cwd: folder,
      env: {},
      stdio: ['ignore', 'inherit', 'ignore', 'pipe'],
    });
    children.push(child);
    for await (const text of child.stdio[3] as Readable) {
      const { event, port } = JSON.parse(String(text).split('\n')[0] ?? '');
      if (event === 'listen') return `http://127.0.0.1:${port}/`;
    }
    throw new Error('workerd did not start');
  }

  /** A server of assets: `answer` may keep a file back, or give another status. */
  async function assetsFrom(answer: (path: string) => Promise<number>): Promise<Server> {
    const server = createServer(async ({ url = '' }, response) => {
      const [status, body] = [await answer(url), await readFile(join(folder, 'assets', url)).catch(() => undefined)];
      response.writeHead(body ? status : 404).end(status === 200 ? body : undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  const post = (url: string, body: unknown) => fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const vectorsOf = async (response: Response): Promise<number[][]> => {
    expect(response.status).toBe(200);
    return ((await response.json()) as { vectors: number[][] }).vectors;
  };

  it('has at most 60 lines', async () => {
    expect((await readFile(join(folder, 'worker.js'), 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(60);
  });

  it('has at most 200 kB gzipped, tokenizer and kernels included', async () => {
    const files = ['bundle/worker.js', 'wasm/simd.wasm', 'wasm/relaxed.wasm'];
    const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(folder, file))).length));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(200_000);
  });

  it('answers with the vectors that they would be here, many at once from the first on; the model is loaded once', async () => {
    let loads = 0;
    const assets = await assetsFrom(async (path) => {
      if (path.endsWith('.safetensors')) loads++;
      return 200;
    });
    const url = await serve(assets);
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
    const assets = await assetsFrom(async (path) => {
      if (path.endsWith('.safetensors')) {
        asked();
        await opened;
      }
      return 200;
    });
    const url = await serve(assets);
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
    const assets = await assetsFrom(async (path) => (path.endsWith('.safetensors') && failures-- > 0 ? 500 : 200));
    const url = await serve(assets);
    const response = await fetch(`${url}?text=a`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND', message: expect.stringContaining('model.safetensors') } });
    expect(await vectorsOf(await fetch(`${url}?text=a`))).toHaveLength(1);
    assets.close();
  });

  it('refuses what it cannot answer, and goes on', async () => {
    const url = await serve();
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
