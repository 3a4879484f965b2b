/**
 * A fresh process that `bench startup` times: node startup-child.mjs encoder|translation|embedding|nothing plain|relaxed THREADS [MODEL]. It prints one line of
 * JSON. Everything heavy is imported after the clock is read; times count from the start of the process (performance.timeOrigin) or from
 * the milestone before.
 */
import { join } from 'node:path';
import type { Mode } from './peak.js';
import { root } from './root.js';

export interface Milestones {
  nodeMs: number;
  importMs: number;
  firstEngineMs?: number;
  nextEngineMs?: number;
  weightsMs?: number;
  firstForwardMs?: number;
  warmForwardMs?: number;
  forwardRatio?: number;
  loadMs?: number;
  pipelineMs?: number;
  firstTextMs?: number;
  firstSentenceMs?: number;
  warmSentenceMs?: number;
  embeddingMs?: number;
  peakMiB: number;
  /** Above that of a process that imports nothing. */
  aboveNodeMiB?: number;
}

/** 16 tokens for MiniLM's tokenizer, the two special ones included. */
const text = 'The quick brown fox jumps over the lazy dog while it rains hard.';

/** Ten words each. */
const sentences = ['My brother plays the piano in our house every day.', 'She asked me to open the window before the lesson.'] as const;

let last = 0;
const lap = () => {
  const now = performance.now();
  const passed = now - last;
  last = now;
  return passed;
};

const peakMiB = () => process.resourceUsage().maxRSS / 1024;

async function encoder(mode: Mode, threads: number): Promise<Milestones> {
  const nodeMs = lap();
  const { createEngine } = await import('heed');
  await Promise.all([import('heed/nn'), import('heed/ops')]);
  const importMs = lap();
  const settings = { threads, deterministic: mode === 'plain' };
  const engine = await createEngine(settings);
  const firstEngineMs = lap();
  await (await createEngine(settings)).dispose();
  const nextEngineMs = lap();

  const { randomEncoder, randomInput } = await import('./weights.js');
  const { openStack } = await import('./stack.js');
  const random = randomEncoder(6);
  const x = randomInput(128);
  lap();
  const forward = openStack(engine, random);
  const weightsMs = lap();
  forward(x, 128);
  const firstForwardMs = lap();
  const warm = Array.from({ length: 60 }, () => {
    forward(x, 128);
    return lap();
  });
  const warmForwardMs = warm.slice(20).sort((a, b) => a - b)[20] as number;
  const forwardRatio = firstForwardMs / warmForwardMs;
  return { nodeMs, importMs, firstEngineMs, nextEngineMs, weightsMs, firstForwardMs, warmForwardMs, forwardRatio, peakMiB: peakMiB() };
}

async function translation(mode: Mode, threads: number): Promise<Milestones> {
  const nodeMs = lap();
  const { createEngine, pipeline } = await import('heed');
  const importMs = lap();
  const engine = await createEngine({ threads, deterministic: mode === 'plain' });
  lap();
  const translate = await pipeline('translation', join(root, 'models', 'translator-en-zh'), { engine });
  const loadMs = lap();
  await translate(sentences[0], { num_beams: 1 });
  const firstSentenceMs = lap();
  const warm: number[] = [];
  for (let round = 0; round < 20; round++)
    for (const sentence of sentences) {
      await translate(sentence, { num_beams: 1 });
      warm.push(lap());
    }
  const warmSentenceMs = warm.slice(20).sort((a, b) => a - b)[10 * sentences.length - 10] as number;
  return { nodeMs, importMs, loadMs, firstSentenceMs, warmSentenceMs, peakMiB: peakMiB() };
}

async function embedding(mode: Mode, threads: number, model: string): Promise<Milestones> {
  const nodeMs = lap();
  const { createEngine, pipeline } = await import('heed');
  const importMs = lap();
  const engine = await createEngine({ threads, deterministic: mode === 'plain' });
  const firstEngineMs = lap();
  const extract = await pipeline('feature-extraction', model, { engine });
  const pipelineMs = lap();
  await extract(text, { pooling: 'mean', normalize: true });
  const firstTextMs = lap();
  return { nodeMs, importMs, firstEngineMs, pipelineMs, firstTextMs, embeddingMs: performance.now(), peakMiB: peakMiB() };
}

const nothing = async (): Promise<Milestones> => ({ nodeMs: lap(), importMs: 0, peakMiB: peakMiB() });

const [kind, mode, threads, model = ''] = process.argv.slice(2);
const kinds = { encoder, translation, embedding, nothing } as const;
console.log(JSON.stringify(await kinds[kind as keyof typeof kinds](mode as Mode, Number(threads), model)));
process.exit();
