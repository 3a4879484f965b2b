/** What all browsers share, where something is missing that browsers have. */
import { afterEach, expect, it, vi } from 'vitest';
import { webBase } from '../../dist/runtime/web-base.js';

afterEach(() => vi.unstubAllGlobals());

it.each([
  ['with channels', MessageChannel],
  ['without, as in an edge runtime', undefined],
])('lets the event loop have a turn, %s', async (_, channel) => {
  vi.stubGlobal('MessageChannel', channel);
  let turns = 0;
  setImmediate(() => turns++);
  setTimeout(() => turns++);
  // The timer is due after a millisecond, which some turns may not take.
  for (let i = 0; i < 100_000 && turns < 2; i++) await webBase.pause();
  expect(turns).toBe(2);
});
