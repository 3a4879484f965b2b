/**
 * Does memory come back? Forwards of random length (1 to 512 tokens), batch (1 to 8) and padding on two threads; WebAssembly
 * memory and the JavaScript heap are where they were after the first 100, or the exit code is 1.
 *
 *   node --expose-gc scripts/soak.mjs [FORWARDS]        10,000 where no number is given: about three minutes
 *
 * The model is a small BERT of random weights, written to a temporary folder, so that loading is the real one too.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoModel, createEngine } from 'heed';

const C = 64;
const F = 128;
const L = 2;
const V = 200;
const POSITIONS = 512;
const BATCH = 8;
const WARM = 100;
/** What the heap may gain: compiled code and type feedback, which come late. A leak of 100 bytes per forward shows. */
const HEAP_SLACK = 1 << 20;

let state = 1;
/** A number in [0, 1), the same ones in every run. */
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const upTo = (/** @type {number} */ n) => 1 + Math.floor(random() * n);

/** Writes config.json and model.safetensors. */
async function writeModel(/** @type {string} */ folder) {
  const config = { model_type: 'bert', hidden_act: 'gelu', num_attention_heads: 4, type_vocab_size: 2, layer_norm_eps: 1e-12 };
  const sizes = { hidden_size: C, intermediate_size: F, num_hidden_layers: L, vocab_size: V, max_position_embeddings: POSITIONS };
  /** @type {[string, number[]][]} */
  const shapes = [];
  const linear = (/** @type {string} */ name, /** @type {number} */ N, /** @type {number} */ K) =>
    shapes.push([`${name}.weight`, [N, K]], [`${name}.bias`, [N]]);
  const norm = (/** @type {string} */ name) => shapes.push([`${name}.weight`, [C]], [`${name}.bias`, [C]]);
  for (const [name, rows] of Object.entries({ word: V, position: POSITIONS, token_type: 2 }))
    shapes.push([`embeddings.${name}_embeddings.weight`, [rows, C]]);
  norm('embeddings.LayerNorm');
  for (let l = 0; l < L; l++) {
    for (const part of ['self.query', 'self.key', 'self.value', 'output.dense']) linear(`encoder.layer.${l}.attention.${part}`, C, C);
    norm(`encoder.layer.${l}.attention.output.LayerNorm`);
    linear(`encoder.layer.${l}.intermediate.dense`, F, C);
    linear(`encoder.layer.${l}.output.dense`, C, F);
    norm(`encoder.layer.${l}.output.LayerNorm`);
  }
  linear('pooler.dense', C, C);
  let end = 0;
  const entries = shapes.map(([name, shape]) => {
    const begin = end;
    end += 4 * shape.reduce((n, d) => n * d, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const data = Float32Array.from({ length: end / 4 }, () => (random() - 0.5) / 4);
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...sizes }));
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat([length, header, Buffer.from(data.buffer)]));
}

const paddings = /** @type {const} */ (['none', 'right', 'holes']);

/** One forward's inputs. The first ones are as large as they get, since WebAssembly memory never shrinks. */
function inputs(/** @type {number} */ i) {
  const largest = i <= paddings.length;
  const [B, T] = largest ? [BATCH, POSITIONS] : [upTo(BATCH), upTo(POSITIONS)];
  const padding = paddings[largest ? i - 1 : Math.floor(random() * paddings.length)];
  const input_ids = { dims: [B, T], data: Int32Array.from({ length: B * T }, () => Math.floor(random() * V)) };
  if (padding === 'none') return { input_ids };
  const lengths = Array.from({ length: B }, () => upTo(T));
  const keeps = (/** @type {number} */ i) =>
    padding === 'holes' ? random() < 0.6 : i % T < /** @type {number} */ (lengths[Math.floor(i / T)]);
  return { input_ids, attention_mask: { dims: [B, T], data: Int32Array.from({ length: B * T }, (_, i) => Number(keeps(i))) } };
}

async function main(/** @type {number} */ forwards) {
  const { gc } = globalThis;
  if (!gc) throw new Error('usage: node --expose-gc scripts/soak.mjs [FORWARDS]');
  const folder = await mkdtemp(join(tmpdir(), 'heed-soak-'));
  await writeModel(folder);
  const engine = await createEngine({ threads: 2 });
  const model = await AutoModel.from_pretrained(folder, { engine });
  await rm(folder, { recursive: true });
  const measure = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await gc();
    await gc();
    const { size, used, storages } = engine.memory();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return { size, used, storages, heapUsed, arrayBuffers };
  };
  const began = performance.now();
  /** @type {Awaited<ReturnType<typeof measure>> | undefined} */
  let first;
  let grew = false;
  for (let i = 1; i <= forwards; i++) {
    const { last_hidden_state } = await model(inputs(i));
    if (!last_hidden_state.data.every(Number.isFinite)) throw new Error(`forward ${i}: a state is not finite`);
    if (i !== WARM && i !== forwards && i !== 10 * WARM) continue;
    const now = await measure();
    first ??= now;
    const { size, used, storages, heapUsed, arrayBuffers } = now;
    const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1).padStart(9)} KiB`;
    const line = `wasm ${kib(size)}, used ${kib(used)} in ${storages} storages; heap ${kib(heapUsed)}, buffers ${kib(arrayBuffers)}`;
    console.log(`${String(i).padStart(6)} forwards: ${line}; ${((performance.now() - began) / 1000).toFixed(1)} s`);
    grew ||= size > first.size || used > first.used || storages > first.storages;
    grew ||= heapUsed > first.heapUsed + HEAP_SLACK || arrayBuffers > first.arrayBuffers + HEAP_SLACK;
  }
  await engine.dispose();
  console.log(grew ? 'grew' : 'nothing grew');
  if (grew) process.exitCode = 1;
}

await main(Number(process.argv[2] ?? 10_000));
