/**
 * A program that tells what a fresh process or page waits for: an engine, a model, the first embedding. It does nothing else before, so that its
 * figures are those of a start.
 */
import type { Engine } from 'heed';
import type { Program } from '../../test/runtimes/check.js';
import type { LeftOut, Start, StartArgs } from './types.js';
import { versionHere } from './version.js';

/** 16 tokens for MiniLM's tokenizer, the two special ones included. */
const text = 'The quick brown fox jumps over the lazy dog while it rains hard.';
const warmEngines = 9;

async function timed<T>(what: () => Promise<T>): Promise<[value: T, ms: number]> {
  const began = performance.now();
  const value = await what();
  return [value, performance.now() - began];
}

const start: Program = async ({ createEngine, pipeline }, env, args): Promise<Start | LeftOut> => {
  const settings = { threads: (args as StartArgs).threads, memory: { maximum: env.memory } };
  const [engine, coldEngineMs] = await timed(() => createEngine(settings));
  if (engine.info.threads !== settings.threads) return { leftOut: `${engine.info.threads} thread: ${engine.info.reason}` };
  let first: Pick<Start, 'loadMs' | 'embedMs' | 'embeddedMs' | 'embeddedAt'> = {
    ...{ loadMs: undefined, embedMs: undefined, embeddedMs: undefined, embeddedAt: undefined },
  };
  if (env.folders.includes('shared')) {
    const folder = env.locate('shared/models/all-MiniLM-L6-v2');
    // Where models live in a worker beside the page, an engine of theirs does too.
    const where = env.hosted ? settings : engine;
    const [extract, loadMs] = await timed(() => pipeline('feature-extraction', folder, { engine: where as Engine }));
    const [, embedMs] = await timed(() => extract(text, { pooling: 'mean', normalize: true }));
    first = { loadMs, embedMs, embeddedMs: performance.now(), embeddedAt: Date.now() };
  }
  await engine.dispose();
  // All of them together: clocks have steps of up to a millisecond.
  const [, warmMs] = await timed(async () => {
    for (let i = 0; i < warmEngines; i++) await (await createEngine(settings)).dispose();
  });
  return { version: versionHere(), coldEngineMs, warmEngineMs: warmMs / warmEngines, ...first };
};
export default start;
