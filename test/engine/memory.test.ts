/** The allocator: blocks never overlap, never leave the memory, and come back whole, wherever they lie in 4 GiB. */

import { describe, expect, it } from 'vitest';
import { EngineMemory, type Storage } from '../../dist/engine/memory.js';
import { createEngine } from '../../dist/entry/node.js';
import fc from '../draws.js';
import { failureOf } from '../io/memory.js';
import { expectWorks, overlap } from './probe.js';

const PAGE = 65536;
const make = (initial: number, maximum: number) => new EngineMemory(new WebAssembly.Memory({ initial, maximum }), maximum * PAGE);

type Step = { allocate: number } | { free: number } | { reserve: number };
const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 3 << 20 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: sizes.map((allocate) => ({ allocate })) },
  { weight: 4, arbitrary: fc.nat().map((free) => ({ free })) },
  { weight: 1, arbitrary: sizes.map((reserve) => ({ reserve })) },
);
const steps = fc.array(step, { maxLength: 120, size: 'max' });

/** What the memory gives for a call, or undefined where it says that it cannot. */
function orMemoryError<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    expect(error).toMatchObject({ code: 'MEMORY' });
    return undefined;
  }
}

describe('blocks', () => {
  it('lie apart, at multiples of 64, between the constants and the last 64 bytes', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const memory = make(16, 96);
        const alive: Storage[] = [];
        for (const one of all) {
          if ('free' in one) alive.splice(one.free % Math.max(1, alive.length), 1)[0]?.free();
          else if ('reserve' in one) orMemoryError(() => memory.reserve(one.reserve));
          else {
            const block = orMemoryError(() => memory.allocate(one.allocate));
            if (!block) continue;
            expect(block.bytes).toBeGreaterThanOrEqual(Math.max(1, one.allocate));
            expect(block.ptr % 64).toBe(0);
            expect(block.ptr).toBeGreaterThanOrEqual(PAGE);
            expect(block.ptr + block.bytes).toBeLessThanOrEqual(memory.use.size - 64);
            expect(alive.find((other) => overlap(block, other))).toBeUndefined();
            alive.push(block);
          }
          const used = alive.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(memory.use).toMatchObject({ used, storages: alive.length });
          expect(memory.use.peak).toBeGreaterThanOrEqual(used);
          expect(memory.use.size).toBeLessThanOrEqual(96 * PAGE);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('become one again when all are freed, in whatever order', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (all, order) => {
        const memory = make(16, 96);
        const alive = all.flatMap((one) => ('allocate' in one ? (orMemoryError(() => memory.allocate(one.allocate)) ?? []) : []));
        while (alive.length) alive.splice((order.next().value as number) % alive.length, 1)[0]?.free();
        const { size } = memory.use;
        const whole = memory.allocate(size - PAGE - 64);
        expect(whole.ptr).toBe(PAGE);
        expect(memory.use.size).toBe(size);
      }),
      { numRuns: 150 },
    );
  });

  it('are freed once, however often that is asked for', () => {
    const memory = make(16, 32);
    const [a, b] = [memory.allocate(1000), memory.allocate(1000)];
    a.free();
    a.free();
    const c = memory.allocate(1000);
    a.free();
    const d = memory.allocate(1000);
    expect(c.ptr).toBe(a.ptr);
    expect(overlap(c, d) || overlap(b, d)).toBe(false);
    expect(memory.use.storages).toBe(3);
  });

  it('that are freed while memory is held back are not given out before it is let go', () => {
    const memory = make(16, 64);
    const held = Array.from({ length: 8 }, () => memory.allocate(50_000));
    memory.hold();
    for (const block of held) block.free();
    const others = Array.from({ length: 40 }, () => memory.allocate(50_000));
    expect(others.some((block) => held.some((one) => overlap(one, block)))).toBe(false);
    expect(memory.use.used).toBe(others.reduce((sum, { bytes }) => sum + bytes, 0));
    memory.unhold();
    const later = Array.from({ length: 8 }, () => memory.allocate(50_000));
    expect(later.every((block) => held.some((one) => overlap(one, block)))).toBe(true);
  });
});

describe('memory that cannot grow', () => {
  it('is used to its last block, then says so and stays as it is', () => {
    const memory = make(16, 40);
    const all: Storage[] = [];
    for (let block = orMemoryError(() => memory.allocate(PAGE)); block; block = orMemoryError(() => memory.allocate(PAGE))) all.push(block);
    // Of 40 pages the first holds constants, and the last lacks its last 64 bytes.
    expect(all).toHaveLength(38);
    const before = memory.use;
    expect(orMemoryError(() => memory.reserve(PAGE))).toBeUndefined();
    expect(memory.use).toEqual(before);
    all[7]?.free();
    expect(memory.allocate(PAGE).ptr).toBe(all[7]?.ptr);
  });

  it('grows by what is needed where the runtime refuses more', () => {
    const wasm = new WebAssembly.Memory({ initial: 16, maximum: 20 });
    // The limit that heed knows of is not the runtime's.
    const memory = new EngineMemory(wasm, 1000 * PAGE);
    expect(memory.allocate(18 * PAGE).bytes).toBe(18 * PAGE);
    expect(memory.use.size).toBe(20 * PAGE);
  });

  it('says what the runtime said', async () => {
    const memory = new EngineMemory(new WebAssembly.Memory({ initial: 16, maximum: 20 }), 1000 * PAGE);
    const failure = await failureOf(() => memory.allocate(30 * PAGE));
    expect(failure).toMatchObject({ code: 'MEMORY', culprit: 'memory' });
    expect(failure.cause).toBeInstanceOf(RangeError);
  });
});

describe('engine.memory()', () => {
  it('tells what tensors hold, how much that was at most, and what the memory takes', async () => {
    const engine = await createEngine({ threads: 1 });
    const before = engine.memory();
    const blocks = [engine.allocate(1000), engine.allocate(5 << 20)];
    expect(engine.memory().used - before.used).toBe(1024 + (5 << 20));
    expect(engine.memory().storages - before.storages).toBe(2);
    for (const block of blocks) block.free();
    const after = engine.memory();
    expect(after).toMatchObject({ used: before.used, storages: before.storages, peak: before.used + 1024 + (5 << 20) });
    expect(after.size).toBe(engine.heap.wasm.buffer.byteLength);
    await engine.dispose();
  });
});

describe('addresses', () => {
  it.each([1, 2])('above 2 GiB, and up to the last one below 4 GiB, are as good as any (%i threads)', async (threads) => {
    const engine = await createEngine({ threads, inlineBelow: 0 });
    if (engine.heap.maximum < 2 ** 32) return engine.dispose(); // this runtime gives less
    const lower = engine.allocate(2 ** 31);
    expectWorks(engine);
    const above = engine.allocate(64);
    expect(above.ptr).toBeGreaterThan(2 ** 31);
    // Scratch of its own, too, comes to lie above.
    expectWorks(engine, { M: 130, N: 520, K: 7 });
    const upper = engine.allocate(2 ** 31 - (4 << 20));
    const top = engine.allocate(1 << 20);
    expect(top.ptr).toBeGreaterThan(2 ** 32 - (4 << 20));
    expectWorks(engine);
    // Nobody can raise this limit.
    const failure = await failureOf(() => engine.allocate(8 << 20));
    expect(failure).toMatchObject({ code: 'MEMORY', cure: expect.stringMatching(/no more than 4 GiB.*q8.*smaller batches.*fewer tokens/) });
    expect(failure.cure).not.toMatch(/maximum/);
    for (const block of [lower, above, upper, top]) block.free();
    expectWorks(engine);
    await engine.dispose();
  });
});
