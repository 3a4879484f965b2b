/** Files that are written: as a whole or not at all, in Node; not at all, and with a word of advice, where there are none. */
import { execFileSync } from 'node:child_process';
import { lstat, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noStorage } from '../../dist/runtime/no-storage.js';
import { nodeRuntime } from '../../dist/runtime/node.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-storage-'));
});
afterEach(() => rm(folder, { recursive: true }));
const { writeFile: write, listFolder, removeFile } = nodeRuntime;
const bytes = (...list: number[]) => Uint8Array.from(list);

it('writes chunks to a file, and makes the folders above it', async () => {
  const path = join(folder, 'a', 'b', 'c.bin');
  expect(await write(path, [bytes(1, 2), bytes(), bytes(3)])).toBe(3);
  expect([...(await readFile(path))]).toEqual([1, 2, 3]);
  await write(pathToFileURL(path).href, [bytes(4)]);
  expect([...(await readFile(path))]).toEqual([4]);
  expect(await listFolder(join(folder, 'a', 'b'))).toEqual(['c.bin']);
  await removeFile(path);
  await removeFile(path);
  expect(await listFolder(join(folder, 'a', 'b'))).toEqual([]);
});

it('leaves what was there, and nothing beside it, where the bytes cannot be had', async () => {
  const path = join(folder, 'x');
  await write(path, [bytes(1)]);
  const failing = function* () {
    yield bytes(2);
    throw new RangeError('no');
  };
  await expect(write(path, failing())).rejects.toMatchObject({ code: 'STORAGE', cause: expect.any(RangeError) });
  expect([...(await readFile(path))]).toEqual([1]);
  expect(await readdir(folder)).toEqual(['x']);
});

it.skipIf(process.platform !== 'linux')('says that the disk is full', async () => {
  const path = join(folder, 'x');
  await symlink('/dev/full', `${path}.tmp`);
  await expect(write(path, [bytes(1)])).rejects.toMatchObject({
    code: 'STORAGE',
    culprit: path,
    message: expect.stringContaining('the disk is full'),
  });
  expect(await readdir(folder)).toEqual([]);
});

it.skipIf(process.platform !== 'linux')('writes into devices, pipes and open descriptors, and puts no file in their place', async () => {
  const ends = { device: '/dev/null', full: '/dev/full', pipe: join(folder, 'fifo'), descriptor: join(folder, 'out') };
  for (const name of ['device', 'full'] as const) await symlink(ends[name], join(folder, name));
  expect(await write(join(folder, 'device'), [bytes(1, 2)])).toBe(2);
  await expect(write(join(folder, 'full'), [bytes(1)])).rejects.toMatchObject({ message: expect.stringContaining('the disk is full') });
  execFileSync('mkfifo', [ends.pipe]);
  const [read] = await Promise.all([readFile(ends.pipe), write(ends.pipe, [bytes(3), bytes(4)])]);
  expect([...read]).toEqual([3, 4]);
  const file = await open(ends.descriptor, 'w');
  await symlink(`/proc/self/fd/${file.fd}`, join(folder, 'descriptor'));
  await write(join(folder, 'descriptor'), [bytes(5)]);
  await file.close();
  expect([...(await readFile(ends.descriptor))]).toEqual([5]);
  for (const name of ['device', 'full', 'descriptor']) expect((await lstat(join(folder, name))).isSymbolicLink()).toBe(true);
  expect((await lstat(ends.pipe)).isFIFO()).toBe(true);
});

it('says why there can be no such file', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(write(join(folder, 'file', 'x'), [])).rejects.toMatchObject({
    code: 'STORAGE',
    message: expect.stringContaining('is a file'),
  });
  await expect(listFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'STORAGE' });
  await expect(listFolder(join(folder, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(write(folder, [bytes(1)])).rejects.toMatchObject({ code: 'STORAGE' });
  await expect(removeFile(folder)).rejects.toMatchObject({ code: 'STORAGE' });
});

// Node's own mkdir never comes back from there.
it.skipIf(process.platform !== 'linux')('says so where no folders can be', async () => {
  for (const path of ['/proc/heed/a/x', '/proc/heed'])
    await expect(write(path, [bytes(1)])).rejects.toMatchObject({ code: 'STORAGE', culprit: path });
});

it('makes a folder that many ask for at once', async () => {
  const paths = Array.from({ length: 8 }, (_, i) => join(folder, 'a', 'b', 'c', String(i)));
  await Promise.all(paths.map((path) => write(path, [bytes(1)])));
  expect((await listFolder(join(folder, 'a', 'b', 'c'))).sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
});

it('is refused where there are no files, with the cure', async () => {
  const { exists, ...refusing } = noStorage;
  expect(await exists('run')).toBe(false);
  for (const refuse of Object.values(refusing) as ((place: string) => Promise<unknown>)[])
    await expect(refuse('run')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'run',
      cure: expect.stringContaining('trainer.save()'),
    });
});
