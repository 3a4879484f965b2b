/** Training a LoRA adapter on a frozen model, in 8 bits too: gradients of A and B alone, a loss that falls, and PEFT's files behind it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, createEngine } from 'heed';
import { crossEntropy, tensor, valueAndGrad } from 'heed/ops';
import { AdamW, causalLM, DataLoader, pad, Trainer } from 'heed/train';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';

const engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
const folder = mkdtempSync(join(tmpdir(), 'heed-lora-'));
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});
const load = (base: string, dtype: 'fp32' | 'q8' = 'fp32') =>
  AutoModelForCausalLM.from_pretrained(fileURLToPath(new URL(`../fixtures/causal/${base}`, import.meta.url)), { engine, dtype });
const text = [5, 9, 3, 7, 11, 8, 40, 2, 61, 33];

describe('an adapter', () => {
  it.each(['fp32', 'q8'] as const)('gets the gradients of A and B alone, by differences, on a model in %s', async (dtype) => {
    const model = await load('llama', dtype);
    const adapter = model.add_adapter({ r: 2, lora_alpha: 6, target_modules: ['q_proj', 'v_proj', 'down_proj', 'lm_head'] });
    const parameters = new Map(adapter.namedParameters());
    // B begins with zeros, by which A would have no gradient.
    const state = adapter.stateDict();
    for (const [name, { data }] of Object.entries(state))
      if (name.includes('lora_B')) for (const i of data.keys()) (data as Float32Array)[i] = Math.sin(i) / 4;
    adapter.loadStateDict(state);
    adapter.train();
    const [ids, labels] = [tensor(engine, [text.slice(0, -1)], undefined, 'int32'), tensor(engine, [text.slice(1)], undefined, 'int32')];
    const loss = () => engine.scope(() => crossEntropy(adapter.forward(ids), labels).toHost().data[0] as number);
    valueAndGrad(engine, () => crossEntropy(adapter.forward(ids), labels));
    for (const [, parameter] of model.module.namedParameters()) expect(parameter.grad).toBeUndefined();
    expect(parameters.size).toBe(2 * (2 * 3 + 1));
    for (const parameter of parameters.values()) {
      const gradient = parameter.grad?.toHost().data as Float32Array;
      const { ptr } = parameter.value;
      // Along the gradient itself: its length squared is what the loss changes by.
      const values = Float32Array.from(engine.heap.floats(ptr, gradient.length));
      const norm = Math.hypot(...gradient);
      const at = (step: number) => {
        engine.heap.floats(ptr, gradient.length).set(values.map((x, i) => x + (step * (gradient[i] as number)) / norm));
        return loss();
      };
      // A product in 8 bits rounds what it reads: short steps would be lost in that.
      const h = dtype === 'q8' ? 0.05 : 0.01;
      const slope = (at(h) - at(-h)) / (2 * h);
      at(0);
      expect(norm).toBeGreaterThan(1e-4);
      expect(Math.abs(slope - norm) / norm).toBeLessThan(dtype === 'q8' ? 0.1 : 0.02);
    }
    model.dispose();
  });

  it('learns on a model in 8 bits, is saved for PEFT, and is the same again', async () => {
    const model = await load('llama', 'q8');
    const before = (await model({ input_ids: [text] })).logits;
    const held = model.module.stateDict();
    const adapter = model.add_adapter({ r: 4, lora_alpha: 8, target_modules: 'all-linear', lora_dropout: 0.05 }, 'learner');
    expect((await model({ input_ids: [text] })).logits.data).toEqual(before.data);
    const rows = [text, [4, 8, 15, 16, 23, 42, 4, 8, 15, 16, 23, 42], [7, 7, 7, 9, 9, 9, 7, 7, 7, 9, 9, 9]];
    const loader = new DataLoader(rows, { batchSize: 3, collate: (some) => pad(some, 0) });
    const losses: number[] = [];
    const optimizer = new AdamW(adapter.namedParameters(), { lr: 0.02 });
    await new Trainer(adapter, { objective: causalLM(), optimizer, loader }).fit({
      steps: 30,
      onProgress: ({ loss }) => void losses.push(loss),
    });
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
    for (const [name, { data }] of Object.entries(model.module.stateDict())) expect(data).toEqual(held[name]?.data);
    const learned = (await model({ input_ids: [text] })).logits;
    await adapter.save_pretrained(folder);
    expect(JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))).toMatchObject({
      ...{ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 4, lora_alpha: 8, bias: 'none' },
      target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'down_proj', 'up_proj'],
    });
    const other = await load('llama', 'q8');
    await other.load_adapter(folder);
    expect((await other({ input_ids: [text] })).logits.data).toEqual(learned.data);
    await other.set_adapter(null);
    expect((await other({ input_ids: [text] })).logits.data).toEqual(before.data);
    for (const one of [model, other]) one.dispose();
  });

  it.each([
    [{ target_modules: ['w_proj'] }, 'UNSUPPORTED', 'w_proj'],
    [{ use_dora: true }, 'UNSUPPORTED', 'use_dora'],
    [{ lora_alfa: 16 }, 'UNSUPPORTED', 'lora_alfa'],
    [{ target_modules: [] }, 'ARGUMENT', 'target_modules'],
    [{ r: -1 }, 'FORMAT', 'r'],
    [{ target_modules: 3 }, 'FORMAT', 'config'],
  ] as const)('is refused: %j', async (config, code, culprit) => {
    const model = await load('llama');
    expect(await failureOf(() => model.add_adapter(config as never))).toMatchObject({ code, culprit });
    model.dispose();
  });

  it.each([
    [null, 'ARGUMENT', 'options'],
    [3, 'ARGUMENT', 'options'],
    [{ sead: 1 }, 'UNSUPPORTED', 'sead'],
  ] as const)('is refused with options that are %j', async (options, code, culprit) => {
    const model = await load('llama');
    expect(await failureOf(() => model.add_adapter({}, 'x', options as never))).toMatchObject({ code, culprit });
    model.dispose();
  });

  it('is refused where rows are in another order', async () => {
    const model = await load('bloom');
    const error = await failureOf(() => model.add_adapter({ target_modules: ['query_key_value'] }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', culprit: 'h.0.self_attention.query_key_value' });
    model.dispose();
  });
});
