/** GET /runs: what TensorBoard's files and curve.json say, while they are written too; and no other file, whatever is asked for. */
import fs, { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from 'heed';
import { TensorBoard } from 'heed/train';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bertTiny, serve } from './serving.js';

const engine = await createEngine({ threads: 1 });
let folder: string;
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-runs-'));
  server = await serve({ models: { encoder: bertTiny }, runs: folder });
});
afterAll(async () => {
  await server.close();
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const get = (path: string, from = server) => from.fetch(new Request(`http://localhost${path}`));
const curvesOf = async (id: string) => (await (await get(`/runs/${encodeURIComponent(id)}`)).json()).curves;

it('has no run where there is none, and is not there without a folder', async () => {
  expect(await (await get('/runs')).json()).toEqual({ object: 'list', data: [] });
  const other = await serve({ models: { encoder: bertTiny } });
  expect((await get('/runs', other)).status).toBe(404);
  await other.close();
});

it('reads events as they grow, and goes on from where a resumption does', async () => {
  const events = join(folder, 'mine/events');
  await mkdir(events, { recursive: true });
  const board = await TensorBoard.open(engine, events);
  board.scalars({ 'train/loss': 3.5, 'validation/loss': 4 }, 10);
  board.scalars({ 'train/loss': 2.5 }, 20);
  board.scalars({ 'train/loss': 9 }, 30);
  await board.close();
  expect((await (await get('/runs')).json()).data).toEqual([{ id: 'mine', modified: expect.any(Number) }]);
  expect(await curvesOf('mine')).toEqual({
    'train/loss': [
      [10, 3.5],
      [20, 2.5],
      [30, 9],
    ],
    'validation/loss': [[10, 4]],
  });
  // A record that is half written is not there yet.
  await appendFile(board.file, Uint8Array.of(40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 9));
  expect((await curvesOf('mine'))['train/loss']).toHaveLength(3);
  await truncate(board.file, 20);
  expect(await curvesOf('mine')).toEqual({});
  const again = await TensorBoard.open(engine, events, { step: 0 });
  again.scalars({ 'train/loss': 1 }, 10);
  again.scalars({ 'train/loss': 0.5 }, 20);
  await again.close();
  const resumed = await TensorBoard.open(engine, events, { step: 10 });
  resumed.scalars({ 'train/loss': 0.25 }, 20);
  await resumed.close();
  expect((await curvesOf('mine'))['train/loss']).toEqual([
    [10, 1],
    [20, 0.25],
  ]);
});

it('reads a curve.json, under the names that events have', async () => {
  await mkdir(join(folder, 'a run'));
  const file = join(folder, 'a run/curve.json');
  await writeFile(file, JSON.stringify({ curve: [{ step: 5, train_loss: 2, valid_loss: null, valid_accuracy: 0.5, seconds: 1 }] }));
  expect(await curvesOf('a run')).toEqual({ 'train/loss': [[5, 2]], 'validation/accuracy': [[5, 0.5]] });
  await writeFile(file, '{"curve": [');
  expect(await curvesOf('a run')).toEqual({});
});

it.each(['stat', 'open'] as const)('passes over a run that is removed between the reading of its folder and its %s', async (name) => {
  const brief = join(folder, 'brief');
  await mkdir(brief);
  await writeFile(join(brief, 'curve.json'), '{"curve": []}');
  const { [name]: own } = fs;
  fs[name] = (async (path: string) => {
    if (path.startsWith(brief)) await rm(brief, { recursive: true, force: true });
    return own(path);
  }) as never;
  syncBuiltinESMExports();
  try {
    const [list, one] = [await get('/runs'), await get('/runs/brief')];
    expect(list.status).toBe(200);
    const isListed = (await list.json()).data.some(({ id }: { id: string }) => id === 'brief');
    expect([isListed, one.status]).toEqual(name === 'stat' ? [false, 404] : [true, 200]);
    expect((await get('/runs/brief')).status).toBe(404);
  } finally {
    fs[name] = own as never;
    syncBuiltinESMExports();
  }
});

it('knows no names but those of the list', async () => {
  await writeFile(join(folder, 'secret'), 'x');
  for (const path of [
    '/runs/..%2F..%2Fetc',
    '/runs/mine/../secret',
    '/runs/secret',
    '/runs/%2Fetc%2Fpasswd',
    '/runs/mine%2Fevents',
    '/runs/.',
  ])
    expect((await get(path)).status, path).toBe(404);
});
