/** Threads that are stopped in the middle of their work cost no more than a share of the time, and get new chances. The clock is the test's. */
import { describe, expect, it } from 'vitest';
import { Balance } from '../../dist/engine/balance.js';
import { spin } from '../../dist/engine/control.js';

/** Launches that take a caller `alone` milliseconds, and threads `together(i)`, for a second: what all took, and how many were on threads. */
function second(balance: Balance, alone: number, together: (now: number) => number, begin = 0) {
  let [now, onThreads, launches] = [begin, 0, 0];
  for (; now < begin + 1000; launches++) {
    if (!balance.pays(now)) {
      now += alone;
      continue;
    }
    const took = together(now);
    now += took;
    onThreads++;
    balance.add(took, alone, now);
  }
  return { perLaunch: (now - begin) / launches, share: onThreads / launches };
}

describe('threads', () => {
  it('that gain have every launch', () => {
    expect(second(new Balance(), 0.2, () => 0.11)).toMatchObject({ share: 1 });
  });

  it('that gain have every launch though one is stopped now and then', () => {
    let launches = 0;
    expect(second(new Balance(), 1, () => (launches++ % 20 === 19 ? 4 : 0.55)).share).toBe(1);
  });

  it.each([0.05, 0.3, 1, 5])('that are always stopped cost a caller of %d ms a tenth at most', (alone) => {
    const { perLaunch } = second(new Balance(), alone, () => alone / 2 + 3);
    expect(perLaunch / alone).toBeLessThan(1.1);
  });

  it.each([2, 3, 10])('that are stopped each %d launches cost it a tenth at most', (often) => {
    let launches = 0;
    const { perLaunch } = second(new Balance(), 0.15, () => (launches++ % often === 0 ? 3.1 : 0.08));
    expect(perLaunch / 0.15).toBeLessThan(1.1);
  });

  it('that are let alone again have every launch again', () => {
    const balance = new Balance();
    const { share } = second(balance, 0.2, () => 3);
    expect(share).toBeLessThan(0.01);
    const after = second(balance, 0.2, () => 0.11, 1100);
    expect(after.share).toBe(1);
    expect(after.perLaunch).toBeCloseTo(0.11);
  });
});

describe('spinning', () => {
  it('ends when what it waits for is there, and looks once where there is no time', () => {
    let looks = 0;
    expect(spin(() => ++looks === 77, 1e6)).toBe(true);
    expect(looks).toBe(77);
    expect(spin(() => true, 0)).toBe(true);
  });

  it('ends when its time is over, by the clock and not by looks', () => {
    const { now } = performance;
    let clock = 5;
    performance.now = () => clock;
    const late = () => {
      clock += 1e-4;
      return false;
    };
    try {
      expect(spin(late, 0.2)).toBe(false);
      expect(clock).toBeGreaterThanOrEqual(5.2);
      expect(clock).toBeLessThan(5.4);
    } finally {
      performance.now = now;
    }
  });

  it('ends where the clock stands still', () => {
    let looks = 0;
    const { now } = performance;
    performance.now = () => 5;
    try {
      expect(spin(() => ++looks < 0, 1)).toBe(false);
    } finally {
      performance.now = now;
    }
    expect(looks).toBeLessThan(1e6);
  });
});
