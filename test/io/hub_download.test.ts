/** Downloads from the hub, with all that can go wrong on the way; and what is left on the disk, which is never a wrong file. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AutoModel } from '../../dist/entry/node.js';
import { sha256 } from './hub.js';
import { at, big, blobs, cache, engine, files, hub, now, read, right, weights } from './hub_reads.js';
import { failureOf } from './memory.js';

const run = promisify(execFile);

describe('a download', () => {
  it('that breaks off goes on where it was, on its own', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' && turn < 3 ? { cut: 700_000 } : undefined);
    right(await read('org/big', 'big.bin'));
    const [first, second] = hub.taken('cdn');
    expect(first).toBe('GET big.bin');
    expect(second).toMatch(/^GET big.bin bytes=[1-9]\d+-$/);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('that never ends well leaves what it has, and the next goes on from there', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' ? (turn === 0 ? { cut: 2_000_000 } : { status: 404 }) : undefined);
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(blobs()).toEqual([`${sha256(big)}.incomplete`]);
    const had = lstatSync(at('blobs', `${sha256(big)}.incomplete`)).size;
    expect(had).toBeGreaterThan(1_000_000);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')).toEqual([`GET big.bin bytes=${had}-`]);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('whose server says nothing any more goes on by another connection', async () => {
    // Longer than a busy machine keeps this process from its turn: the download would go on by a third connection.
    process.env.HF_HUB_DOWNLOAD_TIMEOUT = '2';
    hub.fault = ({ host, turn }) => (host === 'cdn' && turn === 0 ? { stall: 1_000_000 } : undefined);
    right(await read('org/big', 'big.bin'));
    delete process.env.HF_HUB_DOWNLOAD_TIMEOUT;
    expect(hub.taken('cdn')).toEqual(['GET big.bin', 'GET big.bin bytes=1000000-']);
  });

  it('begins anew where the server cannot go on', async () => {
    hub.fault = ({ host, turn }) => (host === 'cdn' ? { noRange: true, ...(turn === 0 && { cut: 1_000_000 }) } : undefined);
    right(await read('org/big', 'big.bin'));
  });

  it.each<[string, Uint8Array]>([
    ['torn', big.slice(0, 1_000_000).fill(1, 500_000)],
    ['too long', new Uint8Array(big.length + 5)],
    ['as long, and wrong', big.slice().fill(0, 9)],
    ['a dead process’s', big.slice(0, 2_000_000)],
  ])('throws away what was there before and is %s', async (kind, partial) => {
    mkdirSync(at('blobs'), { recursive: true });
    writeFileSync(at('blobs', `${sha256(big)}.incomplete`), partial);
    right(await read('org/big', 'big.bin'));
    expect(blobs()).toEqual([sha256(big)]);
    if (kind.startsWith('a dead')) expect(hub.taken('cdn')).toEqual(['GET big.bin bytes=2000000-']);
  });

  it.each<[string, 'cdn' | 'hub', string, object, RegExp]>([
    ['other bytes', 'cdn', 'big.bin', { body: big.slice().fill(7, 2_000_000, 2_000_001) }, /its checksum is [\da-f]{64}, and the hub says/],
    ['other bytes of a small file', 'hub', 'plain.txt', { body: new Uint8Array(50_000) }, /its checksum is [\da-f]{40}/],
    ['too much', 'cdn', 'big.bin', { body: new Uint8Array([...big, 1]) }, /it has 3000001 bytes, and the hub says 3000000/],
    ['too little, each time', 'cdn', 'big.bin', { body: big.slice(0, -9) }, /ended after 2999991 of 3000000 bytes|no such/],
  ])('is refused, and nothing of it kept as the file: %s', async (_, host, file, fault, message) => {
    hub.fault = (asked) => (asked.host === host && asked.file === file && asked.method === 'GET' ? fault : undefined);
    const error = await failureOf(() => read('org/big', file));
    expect(error).toMatchObject({ code: 'NETWORK', message: expect.stringMatching(message) });
    expect(blobs().filter((name) => !name.endsWith('.incomplete'))).toEqual([]);
    expect(existsSync(at('snapshots', now, file))).toBe(false);
    hub.fault = () => undefined;
    expect((await read('org/big', file)).length).toBe(file === 'big.bin' ? big.length : 50_000);
  });

  it('mends a blob of another size than the hub says', async () => {
    await read('org/big', 'big.bin');
    rmSync(at('snapshots'), { recursive: true });
    truncateSync(at('blobs', sha256(big)), 5);
    right(await read('org/big', 'big.bin'));
  });

  it('is one for all that want the file at once, each with a signal of its own', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 1 } : undefined);
    const controller = new AbortController();
    const loaded: number[] = [];
    const onFetch = (bytes: number) => loaded.push(bytes);
    const all = [
      read('org/big', 'big.bin', { signal: controller.signal }),
      ...Array.from({ length: 4 }, () => read('org/big', 'big.bin', { onFetch })),
    ];
    setTimeout(() => controller.abort(new Error('enough')), 100);
    const [first, ...others] = await Promise.allSettled(all);
    expect(first).toMatchObject({ status: 'rejected', reason: controller.signal.reason });
    for (const other of others) right((other as PromiseFulfilledResult<Uint8Array>).value);
    expect(hub.taken('cdn')).toEqual(['GET big.bin']);
    expect(loaded).toContain(big.length);
  });

  it('ends when the last who wants it gives up, with the reason, and stays to be gone on with', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 5 } : undefined);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onFetch = (loaded: number) => loaded > 100_000 && controller.abort(reason);
    const broken = hub.broken;
    await expect(read('org/big', 'big.bin', { signal: controller.signal, onFetch })).rejects.toBe(reason);
    await expect.poll(() => hub.broken).toBe(broken + 1);
    // The caller is told at once; the file gets its name when it is closed.
    await expect.poll(blobs).toEqual([`${sha256(big)}.incomplete`]);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')[0]).toMatch(/bytes=\d{6}/);
    await expect(read('org/big', 'empty.bin', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('does no harm to one of another process', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 1 } : undefined);
    const program = `
      import { pipeline } from ${JSON.stringify(new URL('../../dist/entry/node.js', import.meta.url).href)};
      const extract = await pipeline('feature-extraction', 'org/tiny', { engine: { threads: 1 } });
      console.log((await extract('a cat', { pooling: 'mean' })).dims.join());`;
    const variables = { ...process.env, HF_HOME: cache, HF_ENDPOINT: hub.url };
    const others = Array.from({ length: 4 }, () => run(process.execPath, ['--input-type=module', '-e', program], { env: variables }));
    expect((await Promise.all(others)).map(({ stdout }) => stdout.trim())).toEqual(Array(4).fill('1,32'));
    const kept = readdirSync(join(cache, 'hub/models--org--tiny/blobs'));
    expect(kept).toContain(sha256(weights));
    expect(kept.filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('goes on where a killed process was', async () => {
    hub.fault = ({ host }) => (host === 'cdn' ? { slow: 20 } : undefined);
    const program = `
      const { folderFor } = await import(${JSON.stringify(new URL('../../dist/io/find.js', import.meta.url).href)});
      const { hubOf } = await import(${JSON.stringify(new URL('../../dist/io/hub.js', import.meta.url).href)});
      const { environmentOf } = await import(${JSON.stringify(new URL('../../dist/io/env.js', import.meta.url).href)});
      const { nodeRuntime } = await import(${JSON.stringify(new URL('../../dist/runtime/node.js', import.meta.url).href)});
      const folder = await folderFor(nodeRuntime, 'org/big', {}, hubOf(nodeRuntime, environmentOf(nodeRuntime, '0')));
      await folder.open('big.bin', { onFetch: (loaded) => loaded > 200000 && process.kill(process.pid, 'SIGKILL') });`;
    await run(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, HF_HOME: cache, HF_ENDPOINT: hub.url },
    }).catch(() => {});
    expect(blobs()).toEqual([expect.stringMatching(/^[\da-f]{64}\.[\da-f]{6}-\d+-\d+\.incomplete$/)]);
    hub.fault = () => undefined;
    hub.taken();
    right(await read('org/big', 'big.bin'));
    expect(hub.taken('cdn')[0]).toMatch(/^GET big.bin bytes=2\d{5}-$/);
    expect(blobs()).toEqual([sha256(big)]);
  });

  it('has empty files', async () => {
    expect((await read('org/big', 'empty.bin')).length).toBe(0);
  });
});

describe('the disk', () => {
  it.skipIf(process.platform !== 'linux')('that is read-only is gone on without', async () => {
    right(await read('org/big', 'big.bin', { cache_dir: '/sys/heed' }));
    expect(hub.taken('cdn')).toEqual(['GET big.bin']);
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written to is gone on without', async () => {
    await read('org/big', 'plain.txt');
    chmodSync(at('blobs'), 0o500);
    right(await read('org/big', 'big.bin'));
    chmodSync(at('blobs'), 0o700);
  });

  it('that fails otherwise is STORAGE', async () => {
    mkdirSync(join(cache, 'hub'), { recursive: true });
    writeFileSync(at(), 'a file');
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({ code: 'STORAGE', cure: expect.stringContaining('HF_HOME') });
    right(await read('org/big', 'big.bin', { settings: { useFSCache: false } }));
    // Where no folder can be made; mkdir's own `recursive` tries for ever.
    if (existsSync('/proc/self'))
      expect(await failureOf(() => read('org/big', 'big.bin', { settings: { cacheDir: '/proc/none/hub' } }))).toMatchObject({
        code: 'STORAGE',
        message: expect.stringContaining('its folder cannot be made'),
      });
  });

  it.skipIf(!existsSync('/dev/full'))('that is full is STORAGE, and what was written goes', async () => {
    // The partial file is a link to a device without room.
    mkdirSync(at('blobs'), { recursive: true });
    const { symlinkSync } = await import('node:fs');
    symlinkSync('/dev/full', at('blobs', `${sha256(big)}.incomplete`));
    expect(await failureOf(() => read('org/big', 'big.bin'))).toMatchObject({
      code: 'STORAGE',
      message: expect.stringContaining('the disk is full'),
    });
    expect(blobs()).toEqual([]);
  });

  it('of Python is ours, and ours is Python’s', async () => {
    const python = process.env.HEED_PYTHON ?? 'python3';
    const has = await run(python, ['-c', 'import huggingface_hub']).catch(() => undefined);
    if (!has) return console.warn('skipped: HEED_PYTHON names no Python that has huggingface_hub');
    for (const file of Object.keys(files)) await read('org/tiny', file);
    const variables = { ...process.env, HF_HOME: cache, HF_HUB_OFFLINE: '1' };
    const find =
      'from huggingface_hub import snapshot_download as s; import os; d = s("org/tiny", local_files_only=True); print(sorted(os.listdir(d)))';
    const { stdout } = await run(python, ['-c', find], { env: variables });
    expect(stdout).toContain("'model.safetensors'");
    const second = `${cache}-python`;
    const fetch = 'from huggingface_hub import snapshot_download as s; s("org/tiny", revision="v1.0")';
    const { HF_HUB_OFFLINE: _, ...online } = variables;
    await run(python, ['-c', fetch], { env: { ...online, HF_HOME: second, HF_ENDPOINT: hub.url, HF_HUB_DISABLE_XET: '1' } }).catch(
      (error) => {
        // Listing a tree needs more of the hub than ours has: file by file then.
        return run(
          python,
          [
            '-c',
            `from huggingface_hub import hf_hub_download as d\nfor f in ${JSON.stringify(Object.keys(files))}: d("org/tiny", f, revision="v1.0")`,
          ],
          {
            env: { ...online, HF_HOME: second, HF_ENDPOINT: hub.url, HF_HUB_DISABLE_XET: '1' },
          },
        ).catch(() => Promise.reject(error));
      },
    );
    hub.taken();
    const model = await AutoModel.from_pretrained('org/tiny@v1.0', { engine, local_files_only: true, cache_dir: join(second, 'hub') });
    expect((await model({ input_ids: [[2, 3]] })).last_hidden_state.dims).toEqual([1, 2, 32]);
    model.dispose();
    expect(hub.taken()).toEqual([]);
  });
});
