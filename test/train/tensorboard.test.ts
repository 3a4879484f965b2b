/**
 * Event files, read back by a decoder of protobuf and TFRecords that knows nothing of the writer. That TensorBoard itself opens them was seen with version 2.21
 * (its EventAccumulator, on the files of these tests).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { crc32c } from '../../dist/io/crc32c.js';
import type { TrainingRecord } from '../../dist/train/index.js';
import { maskedCrc, TensorBoard } from '../../dist/train/tensorboard.js';
import { failureOf } from '../io/memory.js';
import { tiny } from './tiny.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(async () => {
  await engine.dispose();
  rmSync(temporary, { recursive: true });
});

/** CRC-32C bit by bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
const unmask = (masked: number): number => {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

/** The messages of a file; throws for a checksum that is wrong. */
function records(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(view.getUint32(at + 8, true))).toBe(slowCrc(bytes.subarray(at, at + 8)));
    expect(unmask(view.getUint32(at + 12 + length, true))).toBe(slowCrc(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** A protobuf message's fields, by number: what has a length as bytes, all else as numbers. */
function fields(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const found = new Map<number, (number | Uint8Array)[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = view.getUint8(at++);
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  const skip = (n: number) => {
    at += n;
    return at - n;
  };
  while (at < bytes.length) {
    const key = varint();
    const readers: Record<number, () => number | Uint8Array> = {
      0: varint,
      1: () => view.getFloat64(skip(8), true),
      2: () => {
        const length = varint();
        const from = skip(length);
        return bytes.subarray(from, from + length);
      },
      5: () => view.getFloat32(skip(4), true),
    };
    const value = (readers[key & 7] as () => number | Uint8Array)();
    found.set(key >>> 3, [...(found.get(key >>> 3) ?? []), value]);
  }
  return found;
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);
const one = (message: Map<number, (number | Uint8Array)[]>, field: number) => message.get(field)?.[0];

/** A file's events: the step, and the scalars, the version, or a session's status. */
function events(file: string) {
  return records(new Uint8Array(readFileSync(file))).map((bytes) => {
    const event = fields(bytes);
    const [version, summary, session] = [one(event, 3), one(event, 5), one(event, 7)];
    const values = summary ? (fields(summary as Uint8Array).get(1) ?? []).map((value) => fields(value as Uint8Array)) : [];
    return {
      time: one(event, 1) as number,
      step: (one(event, 2) ?? 0) as number,
      ...(version !== undefined && { version: text(version) }),
      ...(session !== undefined && { session: one(fields(session as Uint8Array), 1) }),
      ...(summary !== undefined && { scalars: Object.fromEntries(values.map((value) => [text(one(value, 1)), one(value, 2)])) }),
    };
  });
}

describe('checksums', () => {
  // RFC 3720, appendix B.4.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ])('of %s are those of RFC 3720', (_, bytes, want) => {
    expect(crc32c(bytes)).toBe(want);
    expect(unmask(maskedCrc(bytes))).toBe(want);
    expect(slowCrc(bytes)).toBe(want);
  });

  it('are masked as TFRecord has it', () => {
    // How every event file of TensorFlow begins: a record of 24 bytes, 18 00 00 00 00 00 00 00 a3 7f 4b 22.
    expect(maskedCrc(Uint8Array.from([24, 0, 0, 0, 0, 0, 0, 0]))).toBe(0x224b7fa3);
  });
});

describe('an event file', () => {
  it('has the version first, then scalars, as they come', async () => {
    const board = await TensorBoard.open(engine, join(temporary, 'plain'));
    expect(board.file).toMatch(/plain.events\.out\.tfevents\.\d{10}\.heed\.0$/);
    expect(events(board.file)).toMatchObject([{ version: 'brain.Event:2' }]);
    board.scalar('loss', 0.5, 1);
    board.scalars({ 'größe/µ': -1e30, rate: Number.POSITIVE_INFINITY, none: Number.NaN }, 300);
    board.scalar('late', 1, 2 ** 40);
    await board.close();
    const all = events(board.file);
    expect(all.slice(1).map(({ step, scalars }) => [step, scalars])).toEqual([
      [1, { loss: 0.5 }],
      [300, { 'größe/µ': Math.fround(-1e30), rate: Number.POSITIVE_INFINITY }],
      [2 ** 40, { late: 1 }],
    ]);
    for (const { time } of all) expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60);
  });

  it('grows while the run goes on', async () => {
    const board = await TensorBoard.open(engine, join(temporary, 'growing'));
    for (let step = 1; step <= 3; step++) {
      for (let i = 0; i < 5; i++) board.scalar(`curve ${i}`, i, step);
      await board.flush();
      expect(events(board.file)).toHaveLength(1 + 5 * step);
    }
  });

  it('is one of its own, however many begin at the same moment', async () => {
    const folder = join(temporary, 'at once');
    const boards = await Promise.all(Array.from({ length: 8 }, () => TensorBoard.open(engine, folder)));
    for (const [i, board] of boards.entries()) board.scalar('x', i, 1);
    for (const board of boards) await board.close();
    expect(new Set(boards.map(({ file }) => file)).size).toBe(8);
    expect(readdirSync(folder)).toHaveLength(8);
    for (const [i, board] of boards.entries())
      expect(events(board.file)).toMatchObject([{ version: 'brain.Event:2' }, { step: 1, scalars: { x: i } }]);
  });

  it('takes the records of fit', async () => {
    const board = await TensorBoard.open(engine, join(temporary, 'records'));
    const speed = { stepsPerSecond: 8, tokensPerSecond: 4096 };
    board.log({ step: 10, epoch: 1, loss: 2, rate: 0.25, norm: 3, ...speed, validation: { loss: 1.5, accuracy: 0.75 } });
    board.log({ step: 11, epoch: 1, loss: 2.5, rate: Number.NaN, norm: Number.NaN, ...speed });
    await board.close();
    const training = { 'train/loss': 2, 'train/epoch': 1, 'train/steps_per_second': 8, 'train/tokens_per_second': 4096 };
    expect(events(board.file).slice(1)).toMatchObject([
      {
        step: 10,
        scalars: {
          ...training,
          ...{ 'train/rate': 0.25, 'train/gradient_norm': 3, 'validation/loss': 1.5, 'validation/accuracy': 0.75 },
        },
      },
      { step: 11, scalars: { ...training, 'train/loss': 2.5 } },
    ]);
    expect(Object.keys(events(board.file)[2]?.scalars ?? {})).toHaveLength(4);
  });

  it('is a new one for a run that goes on: what went beyond its checkpoint no longer counts', async () => {
    const folder = join(temporary, 'resumed');
    const first = await TensorBoard.open(engine, folder);
    const second = await TensorBoard.open(engine, folder, { step: 20 });
    const third = await TensorBoard.open(engine, folder, { step: 30 });
    expect(readdirSync(folder)).toHaveLength(3);
    expect([second.file > first.file, third.file > second.file]).toEqual([true, true]);
    // SessionLog.START at 21: TensorBoard drops all points from there on that came before.
    expect(events(second.file)).toMatchObject([{ version: 'brain.Event:2' }, { step: 21, session: 1 }]);
  });
});

describe('fit', () => {
  const settings = { steps: 4, logEvery: 2 };
  it('writes its records, and goes on in a new file', async () => {
    const folder = join(temporary, 'fit');
    const records: TrainingRecord[] = [];
    const onLog = (record: TrainingRecord) => records.push(record);
    const { trainer, model } = await tiny({ engine });
    await trainer.fit({ ...settings, tensorboard: folder, onLog });
    await trainer.fit({ ...settings, steps: 8, tensorboard: folder, onLog });
    const [first, second] = readdirSync(folder)
      .sort()
      .map((name) => events(join(folder, name))) as [ReturnType<typeof events>, ReturnType<typeof events>];
    expect(records.map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    expect(first.slice(1).map(({ step, scalars }) => [step, scalars?.['train/loss']])).toEqual(
      records.slice(0, 2).map(({ step, loss }) => [step, Math.fround(loss)]),
    );
    expect(second[1]).toMatchObject({ step: 5, session: 1 });
    expect(second.slice(2).map(({ step }) => step)).toEqual([6, 8]);
    model.dispose();
  });

  it('says when they cannot be written, at the beginning or in the end', async () => {
    const { trainer, model } = await tiny({ engine });
    const blocked = join(temporary, 'blocked too');
    writeFileSync(blocked, 'a file');
    expect((await failureOf(() => trainer.fit({ ...settings, tensorboard: blocked }))).code).toBe('STORAGE');
    expect(trainer.position.step).toBe(0);
    const folder = join(temporary, 'lost');
    const onLog = () => {
      rmSync(folder, { recursive: true, force: true });
      writeFileSync(folder, 'a file');
    };
    expect((await failureOf(() => trainer.fit({ ...settings, tensorboard: folder, onLog }))).code).toBe('STORAGE');
    model.dispose();
  });
});

describe('what is wrong', () => {
  it('is said at once', async () => {
    const board = await TensorBoard.open(engine, join(temporary, 'wrong'));
    expect(() => board.scalar('x', 1, -1)).toThrow(/step is -1/);
    expect(() => board.scalar('x', 1, 0.5)).toThrow(/whole number/);
    expect(() => board.scalar('x', '1' as never, 1)).toThrow(/x is 1/);
    expect((await failureOf(() => TensorBoard.open(engine, ''))).code).toBe('ARGUMENT');
    expect((await failureOf(() => TensorBoard.open(engine, 'x', { every: 1 } as object))).code).toBe('UNSUPPORTED');
  });

  it('with the disk is STORAGE: when it is opened, and when all should be written', async () => {
    const blocked = join(temporary, 'blocked');
    writeFileSync(blocked, 'a file');
    expect((await failureOf(() => TensorBoard.open(engine, blocked))).code).toBe('STORAGE');
    const board = await TensorBoard.open(engine, join(temporary, 'doomed'));
    rmSync(join(temporary, 'doomed'), { recursive: true });
    writeFileSync(join(temporary, 'doomed'), 'a file');
    board.scalar('x', 1, 1);
    expect((await failureOf(() => board.flush())).code).toBe('STORAGE');
    board.scalar('x', 1, 2);
    expect((await failureOf(() => board.close())).code).toBe('STORAGE');
  });
});
