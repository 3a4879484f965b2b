/**
 * Loading chosen tensor by tensor: a GGUF file's blocks stay what they are where a parameter may hold them, beside floats; names that say transposed, permuted, parts of
 * unequal heights; and what of all that can be written again.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { joinSafetensors, writeSafetensors } from '../../dist/io/safetensors_writer.js';
import type { Checkpoint, CheckpointEntry } from '../../dist/io/weights.js';
import type { Spelt } from '../../dist/models/architecture.js';
import { pairs } from '../../dist/models/layouts.js';
import { loadWeights, stagedBytes } from '../../dist/models/load.js';
import { heldIn, type WeightForms } from '../../dist/models/quantization.js';
import { checkpointEntries } from '../../dist/models/stored.js';
import { ggufSources } from '../../dist/nn/formats/gguf.js';
import { Module } from '../../dist/nn/module.js';
import type { Parameter } from '../../dist/nn/parameter.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { Random } from '../cases/random.js';
import { failureOf } from '../io/memory.js';
import { drawn, type Kind, kinds } from '../nn/formats/blocks.js';
import { readWeights } from './files.js';

const engines: Engine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.dispose())));

interface Stored {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** A checkpoint in memory, whose tensors come in chunks of one granule. */
function checkpointOf(tensors: Readonly<Record<string, Stored>>): Checkpoint {
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]): CheckpointEntry => {
    const { block } = ggufSources[dtype] ?? { block: [1, 1] as const };
    return { ...{ name, dtype, shape, block }, begin: 0, end: bytes.length, file: 'test.gguf' };
  });
  return {
    headers: async () => ({ tensors: entries, bytes: undefined }),
    async *tensors({ check } = {}) {
      check?.(entries);
      for (const entry of entries)
        yield {
          ...entry,
          async read(consume, { granularity = entry.block[1] } = {}) {
            const { bytes } = tensors[entry.name] as Stored;
            for (let at = 0; at < bytes.length; at += granularity) await consume(bytes.slice(at, at + granularity), at);
          },
        };
    },
  };
}

/** Two heads of queries and one of keys and values, D 8, over C channels; a product; a norm; a table. */
const [V, C, F, D] = [11, 64, 32, 8];
class Tiny extends Module {
  constructor(engine: Engine) {
    super(engine);
    this.parameter('table', [V, C], { quantizable: true });
    this.parameter('layers.0.in_proj_weight', [4 * D, C], { packed: true, parts: [2 * D, D, D] });
    this.parameter('layers.0.in_proj_bias', [4 * D], { parts: [2 * D, D, D] });
    this.parameter('layers.0.fc.weight', [F, C], { packed: true });
    this.parameter('layers.0.fc.bias', [F]);
    this.parameter('norm.weight', [C]);
  }
}

const spelt = (weights: Spelt['weights']): Spelt =>
  ({ name: 'tiny', module: Tiny, dims: () => ({}), block: () => ({}), weights, ties: [] }) as unknown as Spelt;

const llama = spelt({
  table: 'token_embd.weight',
  'layers.{l}.in_proj': { name: 'blk.{l}.{attn_q,attn_k,attn_v}', layout: pairs(2, 1) },
  'layers.{l}.fc': 'blk.{l}.ffn_up',
  norm: 'output_norm',
});

const random = new Random(3);
const floats = (shape: readonly number[]): Stored => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(random.floats(shape).data.slice().buffer),
});
const blocks = (kind: Kind, shape: readonly [number, number]) => ({ dtype: kind, shape, ...drawn(kind, ...shape, random) });
const numbers = ({ bytes }: Stored) => Array.from(new Float32Array(bytes.slice().buffer));
const signless = (values: Iterable<number>) => Array.from(values, (value) => value + 0);

/** Rows of heads of D as llama.cpp's converter moves them: reshape(heads, 2, D / 2).swapaxes(1, 2), told of by their old numbers. */
const interleaved = (heads: number) => Array.from({ length: heads * D }, (_, at) => at - (at % D) + ((at % D) >> 1) + ((at % 2) * D) / 2);

/** heed's rows of what a file holds. */
function unmoved(values: ArrayLike<number>, width: number, heads: number): number[] {
  const rows: number[][] = [];
  for (const [at, own] of interleaved(heads).entries())
    rows[own] = Array.from({ length: width }, (_, k) => values[at * width + k] as number);
  return rows.flat();
}

async function load(tensors: Readonly<Record<string, Stored>>, architecture: Spelt, forms: Partial<WeightForms> = {}): Promise<Tiny> {
  const engine = await Engine.create(nodeRuntime, { threads: 1 });
  engines.push(engine);
  const all: WeightForms = { stored: 'float32', kept: undefined, sources: ggufSources, ...forms };
  return loadWeights((_) => new Tiny(engine), architecture, 'm', checkpointOf(tensors), { forms: all });
}

const parameter = (module: Module, key: string) => new Map(module.namedParameters()).get(key) as Parameter;
const dtypesOf = (module: Module) => Object.fromEntries([...module.namedParameters()].map(([key, { dtype }]) => [key, dtype]));

/** A file as llama.cpp writes them: 8 bits for the table, 4 for matrices, floats for the rest. */
const mixed = (attention: readonly [Kind, Kind, Kind] = ['Q4_1', 'Q4_1', 'Q4_1']) => ({
  'token_embd.weight': blocks('Q8_0', [V, C]),
  'blk.0.attn_q.weight': blocks(attention[0], [2 * D, C]),
  'blk.0.attn_k.weight': blocks(attention[1], [D, C]),
  'blk.0.attn_v.weight': blocks(attention[2], [D, C]),
  'blk.0.attn_q.bias': floats([2 * D]),
  'blk.0.attn_k.bias': floats([D]),
  'blk.0.attn_v.bias': floats([D]),
  'blk.0.ffn_up.weight': blocks('Q4_0', [F, C]),
  'blk.0.ffn_up.bias': floats([F]),
  'output_norm.weight': floats([C]),
});

const expectedOf = (tensors: ReturnType<typeof mixed>) => ({
  table: signless(tensors['token_embd.weight'].values),
  'layers.0.in_proj_weight': signless([
    ...unmoved(tensors['blk.0.attn_q.weight'].values, C, 2),
    ...unmoved(tensors['blk.0.attn_k.weight'].values, C, 1),
    ...tensors['blk.0.attn_v.weight'].values,
  ]),
  'layers.0.in_proj_bias': [
    ...unmoved(numbers(tensors['blk.0.attn_q.bias']), 1, 2),
    ...unmoved(numbers(tensors['blk.0.attn_k.bias']), 1, 1),
    ...numbers(tensors['blk.0.attn_v.bias']),
  ],
  'layers.0.fc.weight': signless(tensors['blk.0.ffn_up.weight'].values),
  'layers.0.fc.bias': numbers(tensors['blk.0.ffn_up.bias']),
  'norm.weight': numbers(tensors['output_norm.weight']),
});

const stateOf = (module: Module) =>
  Object.fromEntries(Object.entries(module.stateDict()).map(([key, { data }]) => [key, signless(data as never)]));

describe('a model whose file mixes formats', () => {
  it.each([
    ['as it is', undefined, { table: 'q8', 'layers.0.in_proj_weight': 'q4', 'layers.0.fc.weight': 'q4' }, 'q4'],
    ["with dtype 'q8', where fewer bits stay", 'q8', { table: 'q8', 'layers.0.in_proj_weight': 'q4', 'layers.0.fc.weight': 'q4' }, 'q4'],
    ["with dtype 'fp32'", 'float32', { table: 'float32', 'layers.0.in_proj_weight': 'float32', 'layers.0.fc.weight': 'float32' }, 'fp32'],
  ] as const)('is held %s, with exactly the values of the file', async (_, kept, dtypes, held) => {
    const tensors = mixed();
    const module = await load(tensors, llama, { kept });
    expect(dtypesOf(module)).toEqual({
      ...dtypes,
      'layers.0.in_proj_bias': 'float32',
      'layers.0.fc.bias': 'float32',
      'norm.weight': 'float32',
    });
    expect(heldIn(module)).toBe(held);
    expect(stateOf(module)).toEqual(expectedOf(tensors));
  });

  it('has a stack of several formats in the one of most bits, and exactly only in float32', async () => {
    const tensors = mixed(['Q4_0', 'Q4_1', 'Q8_0']);
    const module = await load(tensors, llama);
    const key = 'layers.0.in_proj_weight';
    expect(dtypesOf(module)[key]).toBe('q8');
    const expected = expectedOf(tensors)[key];
    const [most, state] = [Math.max(...expected.map(Math.abs)), stateOf(module)[key] as number[]];
    for (const [i, value] of expected.entries()) expect(Math.abs((state[i] as number) - value)).toBeLessThanOrEqual(most / 250);
    expect(stateOf(await load(tensors, llama, { kept: 'float32' }))).toEqual(expectedOf(tensors));
    // Beside floats there is nothing to save.
    const beside = await load({ ...tensors, 'blk.0.attn_v.weight': floats([D, C]) }, llama);
    expect(dtypesOf(beside)[key]).toBe('float32');
  });

  it('may mix Q4_0 and Q4_1 in a stack, which are one format, and hold floats beside', async () => {
    const tensors = { ...mixed(['Q4_0', 'Q4_1', 'Q4_0']), 'blk.0.ffn_up.weight': floats([F, C]) };
    const module = await load(tensors, llama);
    expect(dtypesOf(module)).toMatchObject({ 'layers.0.in_proj_weight': 'q4', 'layers.0.fc.weight': 'float32' });
    const rounded = await load(tensors, llama, { kept: 'q8' });
    expect(dtypesOf(rounded)).toMatchObject({ 'layers.0.in_proj_weight': 'q4', 'layers.0.fc.weight': 'q8' });
  });

  it('is refused by name where a kind is not read, or a scale is no number; nothing is kept', async () => {
    const strange = { ...mixed(), 'blk.0.ffn_up.weight': { dtype: 'IQ2_XS', shape: [F, C], bytes: new Uint8Array(0) } };
    expect(await failureOf(() => load(strange, llama))).toMatchObject({
      code: 'DTYPE',
      culprit: 'blk.0.ffn_up.weight',
      message: expect.stringContaining('IQ2_XS'),
      cure: expect.stringContaining('Q4_K'),
    });
    const broken = mixed();
    broken['blk.0.attn_k.weight'].bytes.set([0, 0x7c]);
    expect(await failureOf(() => load(broken, llama))).toMatchObject({ code: 'NUMERIC', culprit: 'blk.0.attn_k.weight' });
    expect(engines.at(-1)?.memory().storages).toBe(0);
  });

  it('is saved as it is, widened, or rounded, in the file’s order of rows', async () => {
    const tensors = mixed();
    const module = await load(tensors, llama);
    const own = readWeights(joinSafetensors(writeSafetensors(checkpointEntries(module, llama))));
    expect(own['blk.0.attn_q.weight']).toMatchObject({ dtype: 'U8' });
    const same = await load(own, llama, { stored: 'q4' });
    expect(dtypesOf(same)).toEqual(dtypesOf(module));
    expect(stateOf(same)).toEqual(stateOf(module));
    const wide = readWeights(joinSafetensors(writeSafetensors(checkpointEntries(module, llama, 'float32'))));
    expect(signless(numbers(wide['blk.0.attn_q.weight'] as Stored))).toEqual(signless(tensors['blk.0.attn_q.weight'].values));
    expect(stateOf(await load(wide, llama))).toEqual(expectedOf(tensors));
    const q8 = readWeights(joinSafetensors(writeSafetensors(checkpointEntries(module, llama, 'q8'))));
    const again = stateOf(await load(q8, llama, { stored: 'q8' }));
    const rounded = stateOf(module.to('q8'));
    expect(again.table).toEqual(rounded.table);
    // Scales below 2^-19 are coarser in a file.
    for (const [key, values] of Object.entries(rounded))
      for (const [i, value] of values.entries()) expect(Math.abs(value - (again[key]?.[i] as number))).toBeLessThanOrEqual(2 ** -20);
  });

  it('takes no more room on its way than is told beforehand', async () => {
    const module = await load(mixed(), llama);
    const target = { parameter: parameter(module, 'layers.0.fc.weight'), holds: 'rows', transposed: false } as never;
    const entry = { dtype: 'Q4_0', block: [32, 18] as const, shape: [F, C], name: 'w', file: 'f', begin: 0, end: 0 };
    const forms: WeightForms = { stored: 'float32', kept: undefined, sources: ggufSources };
    expect(stagedBytes(entry, target, forms)).toBe(((F * C) / 32) * kinds.Q4_0.bytes);
  });
});

describe('a tensor that a file has transposed', () => {
  const gpt2 = spelt({
    table: 'wte.weight',
    'layers.{l}.in_proj': { name: 'h.{l}.attn.c_attn', transposed: true },
    'layers.{l}.fc': { name: 'h.{l}.mlp.c_fc', transposed: true },
    norm: 'ln_f',
  });
  const tensors = {
    'wte.weight': floats([V, C]),
    'h.0.attn.c_attn.weight': floats([C, 4 * D]),
    'h.0.attn.c_attn.bias': floats([4 * D]),
    'h.0.mlp.c_fc.weight': floats([C, F]),
    'h.0.mlp.c_fc.bias': floats([F]),
    'ln_f.weight': floats([C]),
  };
  const turned = (stored: Stored): number[] => {
    const [rows, columns] = stored.shape as [number, number];
    const x = numbers(stored);
    return Array.from({ length: rows * columns }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)] as number);
  };

  it('is turned while it loads, and back when it is saved', async () => {
    const module = await load(tensors, gpt2);
    const state = stateOf(module);
    expect(state['layers.0.in_proj_weight']).toEqual(turned(tensors['h.0.attn.c_attn.weight']));
    expect(state['layers.0.fc.weight']).toEqual(turned(tensors['h.0.mlp.c_fc.weight']));
    expect(state['layers.0.fc.bias']).toEqual(numbers(tensors['h.0.mlp.c_fc.bias']));
    const saved = readWeights(joinSafetensors(writeSafetensors(checkpointEntries(module, gpt2, 'float32'))));
    for (const [name, { shape, bytes }] of Object.entries(tensors))
      expect([name, saved[name]]).toEqual([name, { dtype: 'F32', shape, bytes }]);
  });

  it('is rounded to 8 bits along its columns, which are its rows here: a q8 file has it as products read it', async () => {
    const [rounded, plain] = [await load(tensors, gpt2, { kept: 'q8' }), await load(tensors, gpt2)];
    expect(stateOf(rounded)).toEqual(stateOf(plain.to('q8')));
    const saved = readWeights(joinSafetensors(writeSafetensors(checkpointEntries(rounded, gpt2, 'q8'))));
    expect(saved['h.0.mlp.c_fc.weight']).toMatchObject({ dtype: 'I8', shape: [F, C] });
    expect(stateOf(await load(saved, gpt2, { stored: 'q8' }))).toEqual(stateOf(rounded));
  });

  it('of another shape is refused', async () => {
    const wrong = { ...tensors, 'h.0.mlp.c_fc.weight': floats([F, C]) };
    expect(await failureOf(() => load(wrong, gpt2))).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'h.0.mlp.c_fc.weight' });
  });
});

it('rows that are no heads of pairs are refused', async () => {
  const odd = spelt({ ...llama.weights, 'layers.{l}.in_proj': { name: 'blk.{l}.{attn_q,attn_k,attn_v}', layout: pairs(3, 1) } });
  expect(await failureOf(() => load(mixed(), odd))).toMatchObject({ code: 'MODEL_MISMATCH', culprit: 'blk.0.attn_q.weight' });
});
