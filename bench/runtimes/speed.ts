/**
 * A program that times a model, an encoder layer and some kernels, and the peak beside the kernels. Answers are digested before anything is
 * timed but the first forward. Model and layer take from and give to JavaScript, as for a user; kernels stay in the engine's memory.
 */
import type { Engine } from 'heed';
import type { Env, Heed, Program } from '../../test/runtimes/check.js';
import { Digest } from '../../test/runtimes/fixtures.js';
import { type KernelTask, kernelTasks } from '../kernel-tasks.js';
import { type Comparison, compare, type Task } from '../measure.js';
import { peakFlops, peakTask } from '../peak.js';
import { openStack } from '../stack.js';
import { randomEncoder, randomInput } from '../weights.js';
import type { LeftOut, Speed, SpeedArgs } from './types.js';
import { versionHere } from './version.js';

/** Kernels by their names in kernel-tasks.ts, at the sizes of MiniLM and 128 tokens, and what the table calls them. */
const kernelNames: Readonly<Record<string, string>> = {
  'linear M 128, N 384, K 384, bias': 'linear 128x384x384',
  'linear M 128, N 1536, K 384, bias': 'linear 128x1536x384',
  'attention B 1, H 12, T 128, S 128, D 32': 'attention 12x128x32',
  'softmax dims [128,384]': 'softmax 128x384',
  'layerNorm dims [128,384], weight, bias': 'layerNorm 128x384',
  'gelu dims [128,384]': 'gelu 128x384',
};
const kernelCases = ['linear', 'attention', 'softmax', 'layerNorm', 'gelu'];

/** Turns of a task within the process: a few, since there are more rounds than this one. workerd's clock has steps of 1 ms. */
const measuring = { rounds: 3, minMs: 100, warmMs: 400, batchMs: 50, pauseMs: 60 };
const firstT = 128;

type Forward = (T: number) => Promise<Float32Array>;

interface Model {
  weights: string;
  forward: Forward;
  close(): void;
}

/** A text of T tokens: [CLS] … [SEP] with words of BERT's vocabulary between. */
const tokensOf = (T: number) => [101, ...Array.from({ length: T - 2 }, (_, i) => 2000 + ((i * 7919) % 20_000)), 102].slice(-T);

async function openModel({ AutoModel }: Heed, env: Env, engine: Engine, settings: object): Promise<Model> {
  if (env.folders.includes('shared')) {
    // Where models live in a worker beside the page, an engine of theirs does too.
    const where = env.hosted ? settings : engine;
    const model = await AutoModel.from_pretrained(env.locate('shared/models/all-MiniLM-L6-v2'), { engine: where as Engine });
    return {
      weights: 'all-MiniLM-L6-v2',
      forward: async (T) => (await model({ input_ids: [tokensOf(T)] })).last_hidden_state.data as Float32Array,
      close: () => model.dispose(),
    };
  }
  const forward = openStack(engine, randomEncoder(6));
  return { weights: "random, of MiniLM's six layers", forward: async (T) => forward(randomInput(T), T), close() {} };
}

/** The binary's task, or none where a runtime compiles no bytes. */
function peakHere(base64: string): Task | undefined {
  try {
    return peakTask(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

async function timeModel({ forward }: Model, tokens: number[]): Promise<Record<string, number>> {
  const { times } = await compare(Object.fromEntries(tokens.map((T) => [T, () => forward(T)])), measuring);
  return mediansOf(times);
}

const mediansOf = (times: Comparison<string>['times']) =>
  Object.fromEntries(Object.entries(times).map(([name, { median }]) => [name, median]));

async function timeKernels(engine: Engine, base64: string, threads: number): Promise<Pick<Speed, 'kernels' | 'peak' | 'share'>> {
  const all = kernelTasks(kernelCases);
  const chosen = Object.entries(kernelNames).map(([name, label]) => [label, all.find((task) => task.name === name) as KernelTask] as const);
  const peak = peakHere(base64);
  const tasks: Record<string, Task> = Object.fromEntries(chosen.map(([label, { prepare }]) => [label, prepare(engine)]));
  const { times, ratio } = await compare(peak ? { ...tasks, peak } : tasks, measuring);
  const kernels: Record<string, number> = {};
  const share: Record<string, number> = {};
  for (const [label, { flops }] of chosen) {
    kernels[label] = flops / (times[label]?.median ?? Number.NaN) / 1e6;
    if (peak) share[label] = ((100 * flops) / peakFlops / threads) * ratio('peak', label).median;
  }
  return { kernels, share, peak: times.peak && peakFlops / times.peak.median / 1e6 };
}

const speed: Program = async (heed, env, args): Promise<Speed | LeftOut> => {
  const { mode, threads, tokens, peak } = args as SpeedArgs;
  const settings = { threads, deterministic: mode === 'plain', memory: { maximum: env.memory } };
  const engine = await heed.createEngine(settings);
  const { info } = engine;
  if (mode === 'relaxed' && info.simd !== 'relaxed') return { leftOut: `${info.reason}` };
  if (info.threads !== threads) return { leftOut: `${info.threads} thread: ${info.reason}` };

  const model = await openModel(heed, env, engine, settings);
  const began = performance.now();
  const first = await model.forward(firstT);
  const firstForwardMs = performance.now() - began;
  const digest = new Digest();
  for (const T of tokens) digest.add(await model.forward(T));
  const modelMs = await timeModel(model, tokens);
  model.close();

  const layer = openStack(engine, randomEncoder(1));
  for (const T of tokens) digest.add(layer(randomInput(T), T));
  const inputs = tokens.map((T) => [T, randomInput(T)] as const);
  const { times } = await compare(Object.fromEntries(inputs.map(([T, x]) => [T, () => layer(x, T)])), measuring);
  const result = {
    ...{ version: versionHere(), weights: model.weights, digest: digest.hex, sample: [...first.subarray(0, 16)], firstForwardMs },
    ...{ model: modelMs, layer: mediansOf(times), ...(await timeKernels(engine, peak, threads)) },
  };
  await engine.dispose();
  return result;
};
export default speed;
