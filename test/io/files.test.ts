import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../dist/io/safetensors.js';
import { join, open } from '../../dist/runtime/node-files.js';
import type { ByteStream } from '../../dist/runtime/types.js';
import { failureOf, file } from './memory.js';

const folder = mkdtempSync(joinPath(tmpdir(), 'heed-'));
const at = (name: string) => joinPath(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function all(stream: ByteStream): Promise<string> {
  const bytes = new Uint8Array(100_000);
  let length = 0;
  for (let count = -1; count !== 0; length += count) count = await stream.read(bytes.subarray(length, length + 1000));
  await stream.close();
  return new TextDecoder().decode(bytes.subarray(0, length));
}

describe('a file', () => {
  it('is opened by path and by file: URL', async () => {
    writeFileSync(at('ü x.txt'), 'grüße');
    for (const location of [at('ü x.txt'), pathToFileURL(at('ü x.txt')).href]) {
      const stream = await open(location);
      expect(stream).toMatchObject({ name: location, size: 7 });
      expect(await all(stream)).toBe('grüße');
    }
  });

  it('is NOT_FOUND, by name and with the reason, where it cannot be read', async () => {
    mkdirSync(at('dir'));
    writeFileSync(at('plain'), '');
    execFileSync('mkfifo', [at('pipe')]);
    for (const [location, why] of [
      [at('none'), /none does not exist\. Check the path/],
      [at('plain/x'), /does not exist: a part of the path is a file/],
      [at('dir'), /dir is a folder/],
      [at('pipe'), /pipe is not a plain file/],
      ['a\0b', /cannot be opened/],
      ['file://elsewhere/x', /cannot be opened/],
      ['ftp://x/y', /does not exist/],
    ] as const)
      expect(await failureOf(() => open(location))).toMatchObject({
        code: 'NOT_FOUND',
        culprit: location,
        message: expect.stringMatching(why),
      });
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('is NOT_FOUND where it may not be read', async () => {
    writeFileSync(at('secret'), '');
    chmodSync(at('secret'), 0);
    expect(await failureOf(() => open(at('secret')))).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('may not be read'),
    });
  });

  it('rejects with the reason of an abort, and leaves no file open', async () => {
    writeFileSync(at('long'), new Uint8Array(1000));
    const controller = new AbortController();
    const stream = await open(at('long'), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(stream.read(new Uint8Array(10))).rejects.toBe(controller.signal.reason);
    await stream.close();
    await expect(open(at('long'), { signal: controller.signal })).rejects.toBe(controller.signal.reason);
    if (process.platform !== 'linux') return;
    const names = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
    expect(names.filter((name) => name.startsWith(folder))).toEqual([]);
  });
});

it('joins names to folders and to URLs', () => {
  expect(join('a/b', 'c.json')).toBe(joinPath('a/b', 'c.json'));
  expect(join('https://h/m', 'c.json')).toBe('https://h/m/c.json');
  expect(join('https://h/m/?token=1', '1_Pooling/c.json')).toBe('https://h/m/1_Pooling/c.json?token=1');
  expect(join('file:///a/b/', 'c.json')).toBe('file:///a/b/c.json');
});

describe('a URL', () => {
  const data = new Uint8Array(3_000_000).map((_, i) => i * 31);
  const tensors = file({ w: { dtype: 'U8', shape: [data.length], data_offsets: [0, data.length] } }, data);
  let [reached, closed] = [0, 0];
  const pages: Record<string, RequestListener> = {
    '/known': (_, response) => response.setHeader('content-length', tensors.length).end(tensors),
    '/chunked': (_, response) => response.write(tensors.subarray(0, 1_000_001), () => response.end(tensors.subarray(1_000_001))),
    '/gzip': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(tensors)),
    '/cut': (_, response) =>
      response.setHeader('content-length', tensors.length).write(tensors.subarray(0, 1_500_000), () => response.destroy()),
    '/stalled': (_, response) => {
      response.on('close', () => closed++);
      response.setHeader('content-length', tensors.length).write(tensors.subarray(0, 1_200_000));
    },
    '/silent': (_, response) => {
      reached++;
      response.on('close', () => closed++);
    },
    '/moved': (_, response) => response.writeHead(302, { location: '/known' }).end(),
    '/empty': (_, response) => response.writeHead(204).end(),
    '/broken': (_, response) => response.writeHead(503).end('no'),
    '/gone': (_, response) => response.writeHead(410).end('no'),
  };
  let server: Server;
  let base = '';
  beforeAll(async () => {
    server = createServer((request, response) =>
      (pages[request.url ?? ''] ?? ((_, r) => r.writeHead(404).end('<html>')))(request, response),
    );
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(['/known', '/chunked', '/gzip', '/moved'])('streams: %s', async (page) => {
    const stream = await open(base + page);
    expect(stream.size).toBe(page === '/known' || page === '/moved' ? tensors.length : undefined);
    const st = await openSafetensors(stream);
    const hash = createHash('sha256');
    await st.read(st.tensors[0] as never, (chunk) => void hash.update(chunk));
    await st.close();
    expect(hash.digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
  });

  it('is empty where there is no body', async () => {
    expect(await all(await open(`${base}/empty`))).toBe('');
  });

  it('is NOT_FOUND for 404 and 410, NETWORK for the rest', async () => {
    expect(await failureOf(() => open(`${base}/none`))).toMatchObject({ code: 'NOT_FOUND', culprit: `${base}/none` });
    expect(await failureOf(() => open(`${base}/gone`))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await failureOf(() => open(`${base}/broken`))).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('503') });
    expect(await failureOf(() => open('http://127.0.0.1:1/x'))).toMatchObject({ code: 'NETWORK' });
    expect(await failureOf(() => open('http://'))).toMatchObject({ code: 'NETWORK' });
  });

  it('is NETWORK where the connection breaks', async () => {
    const error = await failureOf(async () => {
      const st = await openSafetensors(await open(`${base}/cut`));
      await st.bytes(st.tensors[0] as never);
    });
    expect(error).toMatchObject({ code: 'NETWORK', culprit: `${base}/cut` });
  });

  it('rejects with the reason of an abort, before the answer and within it, and ends the request', async () => {
    [reached, closed] = [0, 0];
    const silent = new AbortController();
    const opening = open(`${base}/silent`, { signal: silent.signal });
    await expect.poll(() => reached).toBe(1);
    silent.abort(new Error('enough'));
    await expect(opening).rejects.toBe(silent.signal.reason);
    const stalled = new AbortController();
    const st = await openSafetensors(await open(`${base}/stalled`, { signal: stalled.signal }));
    const reading = st.bytes(st.tensors[0] as never).finally(() => st.close());
    stalled.abort(new Error('enough'));
    await expect(reading).rejects.toBe(stalled.signal.reason);
    await expect.poll(() => closed).toBe(2);
  });
});
