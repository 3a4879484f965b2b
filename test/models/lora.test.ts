/** LoRA adapters: what PEFT's files make of a model, switched without a copy, in 8 bits too, and what is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, type CausalLM, createEngine, DynamicCache, pipeline } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../dist/io/safetensors_writer.js';
import { normal } from '../../dist/nn/init.js';
import { Random } from '../../dist/random.js';
import { adapterOf } from '../../dist/remote/adapter.js';
import { Remote, registerComposed } from '../../dist/remote/client.js';
import type { Hosted } from '../../dist/remote/host.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { host } from '../remote/host.js';
import { readWeights } from './files.js';

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const lora = (name: string) => at(`lora/${name}`);
const { ids, adapters } = JSON.parse(readFileSync(lora('expected.json'), 'utf8')) as {
  ids: number[][];
  adapters: Record<string, { base: string; logits: number[][][]; written: number[][] }>;
};
const engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
afterAll(() => engine.dispose());
/** A model in which no token ends a text. */
function load(base: string, options = {}): Promise<CausalLM> {
  const { eos_token_id: _, ...config } = JSON.parse(readFileSync(at(`causal/${base}/config.json`), 'utf8'));
  const files = { 'config.json': json(config), 'model.safetensors': readFileSync(at(`causal/${base}/model.safetensors`)) };
  return AutoModelForCausalLM.from_pretrained(files, { engine, ...options });
}
const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const scores = async (model: CausalLM, input_ids = ids) => (await model({ input_ids })).logits;
const far = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
const write = async (model: CausalLM) => (await model.generate({ input_ids: [ids[0] as number[]], max_new_tokens: 12 })).tolist();

describe.each(Object.entries(adapters))('%s', (name, { base, logits, written }) => {
  it('says and writes what PEFT makes of the model', async () => {
    const model = await load(base);
    await model.load_adapter(lora(name));
    const { data, dims } = await scores(model);
    const V = dims[2] as number;
    const last = Array.from({ length: data.length / V }, (_, t) => [...(data as Float32Array).subarray((t + 1) * V - 24, (t + 1) * V)]);
    expect(far(last.flat(), logits.flat(2))).toBeLessThan(1e-4);
    expect(await write(model)).toEqual(written);
    model.dispose();
  });
});

describe('adapters', () => {
  it('are switched and taken off without a copy of the model, while steps are replayed', async () => {
    const model = await load('llama');
    const bare = await scores(model);
    const before = await write(model);
    const { used } = engine.memory();
    await model.load_adapter(lora('queries'), 'queries');
    await model.load_adapter(lora('all'), 'all');
    // Two small adapters: no more than their numbers in panels.
    expect(engine.memory().used - used).toBeLessThan(120_000);
    expect(model.adapters).toEqual({ all: ['queries', 'all'], active: 'all' });
    const all = await write(model);
    await model.set_adapter('queries');
    const queries = await write(model);
    expect(queries).toEqual(adapters.queries?.written);
    expect(all).toEqual(adapters.all?.written);
    await model.set_adapter(null);
    expect(model.adapters.active).toBeNull();
    expect(await write(model)).toEqual(before);
    expect((await scores(model)).data).toEqual(bare.data);
    await model.set_adapter('all');
    expect(await write(model)).toEqual(all);
    await model.delete_adapter('all');
    expect((await scores(model)).data).toEqual(bare.data);
    await model.delete_adapter('queries');
    expect(engine.memory().used).toBe(used);
    model.dispose();
  });

  it('forget what was read with other weights, and with their own where they may be trained', async () => {
    const model = await load('llama');
    const past_key_values = new DynamicCache();
    const ways = [{}, { past_key_values }] as const;
    const texts = async (own: object) => (await model.generate({ input_ids: [ids[0] as number[]], max_new_tokens: 12, ...own })).tolist();
    const bare = await texts({});
    model.prefix_cache.limit = 2 ** 20;
    for (const own of ways) expect(await texts(own)).toEqual(bare);
    await model.load_adapter(lora('all'), 'all');
    const { written } = adapters.all as { written: number[][] };
    expect(written).not.toEqual(bare);
    for (const own of [...ways, ...ways]) expect(await texts(own)).toEqual(written);
    await model.set_adapter(null);
    for (const own of ways) expect(await texts(own)).toEqual(bare);
    const made = model.add_adapter({ r: 2, target_modules: 'all-linear' }, 'new');
    for (const own of ways) expect(await texts(own)).toEqual(bare);
    for (const [, parameter] of made.namedParameters()) parameter.init(new Random(1, parameter.name), normal(1));
    const trained = await texts({});
    expect(trained).not.toEqual(bare);
    model.prefix_cache.limit = 0;
    for (const own of [{}, { past_key_values }, { past_key_values: new DynamicCache() }]) expect(await texts(own)).toEqual(trained);
    model.dispose();
  });

  it('are added to weights in 8 bits as to others', async () => {
    const [exact, rounded] = [await load('llama'), await load('llama', { dtype: 'q8' })];
    const [bare, q8] = [await scores(exact), await scores(rounded)];
    for (const model of [exact, rounded]) await model.load_adapter(lora('queries'));
    const [adapted, both] = [await scores(exact), await scores(rounded)];
    expect(far(adapted.data as Float32Array, bare.data as Float32Array)).toBeGreaterThan(0.2);
    expect(far(both.data as Float32Array, adapted.data as Float32Array)).toBeLessThan(
      4 * far(q8.data as Float32Array, bare.data as Float32Array),
    );
    for (const model of [exact, rounded]) model.dispose();
  });

  it('are freed with their model', async () => {
    const model = await load('llama');
    model.dispose();
    const { used } = engine.memory();
    const next = await load('llama');
    await next.load_adapter(lora('all'));
    next.dispose();
    expect(engine.memory().used).toBe(used);
  });

  const config = (change: object) =>
    new TextEncoder().encode(
      JSON.stringify({ ...JSON.parse(readFileSync(join(lora('queries'), 'adapter_config.json'), 'utf8')), ...change }),
    );
  const weights = readFileSync(join(lora('queries'), 'adapter_model.safetensors'));
  /** The tensors of an adapter, changed. */
  const tensors = (change: (name: string) => string | undefined, cut = 0) =>
    Buffer.concat([
      ...writeSafetensors(
        Object.entries(readWeights(weights)).flatMap(([name, { bytes, shape }]) => {
          const to = change(name);
          const [rows = 1, ...rest] = shape as number[];
          return to === undefined
            ? []
            : [{ name: to, dtype: 'F32', shape: [rows - cut, ...rest], bytes: bytes.subarray(0, (bytes.length / rows) * (rows - cut)) }];
        }),
        {},
      ),
    ]);

  it.each([
    ['DoRA', { use_dora: true }, undefined, 'UNSUPPORTED', /use_dora: true/],
    ['trained biases', { bias: 'all' }, undefined, 'UNSUPPORTED', /bias/],
    ['modules of its own', { modules_to_save: ['lm_head'] }, undefined, 'UNSUPPORTED', /modules_to_save/],
    ['another kind', { peft_type: 'IA3' }, undefined, 'UNSUPPORTED', /IA3/],
    ['no rank', { r: 0 }, undefined, 'FORMAT', /\br\b/],
    ['another rank', { r: 5 }, undefined, 'MODEL_MISMATCH', /must be \[5,32\]/],
    [
      'a module that is not there',
      {},
      tensors((name) => name.replace('q_proj', 'w_proj')),
      'UNSUPPORTED',
      /"layers.0.self_attn.w_proj".*heed's llama/,
    ],
    ['a tensor of something else', {}, tensors((name) => name.replace('lora_A', 'lora_embedding_A')), 'UNSUPPORTED', /lora_embedding_A/],
    [
      'half of a module',
      {},
      tensors((name) => (/0.*q_proj.lora_B/.test(name) ? undefined : name)),
      'MODEL_MISMATCH',
      /q_proj.lora_B.weight is missing/,
    ],
    ['other shapes', {}, tensors((name) => name, 1), 'MODEL_MISMATCH', /is \[3,32\], and must be \[4,32\]/],
    ['no safetensors', {}, new Uint8Array(9), 'FORMAT', /adapter_model/],
    ['too little', {}, weights.subarray(0, weights.length - 5), 'FORMAT', /adapter_model.safetensors.* truncated/],
  ] as const)('are refused that have %s', async (_, change, file, code, message) => {
    const model = await load('llama');
    const { used } = engine.memory();
    const files = { 'adapter_config.json': config(change), 'adapter_model.safetensors': file ?? weights };
    const error = await failureOf(() => model.load_adapter(files as never));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(engine.memory().used).toBe(used);
    expect(model.adapters).toEqual({ all: [], active: null });
    model.dispose();
  });

  it('are loaded, switched and freed in a worker, and trained here alone', async () => {
    const model = await load('llama');
    const bare = (await scores(model)).data;
    const { handle } = host({ AutoModelForCausalLM: async () => model as unknown as Hosted });
    const remote = (await (await Remote.start(handle)).load('AutoModelForCausalLM', [], {})) as unknown as CausalLM;
    await remote.load_adapter(lora('queries'), 'one');
    expect(model.adapters.active).toBe('one');
    const adapted = (await scores(remote)).data;
    expect(adapted).toEqual((await scores(model)).data);
    await remote.set_adapter(null);
    expect((await scores(remote)).data).toEqual(bare);
    await remote.set_adapter('one');
    expect((await scores(remote)).data).toEqual(adapted);
    await remote.delete_adapter('one');
    expect(model.adapters).toEqual({ all: [], active: null });
    expect(await failureOf(() => remote.add_adapter())).toMatchObject({
      culprit: 'add_adapter',
      cure: expect.stringContaining('worker: false'),
    });
    model.dispose();
  });

  it('are on from the beginning where a model or a pipeline is loaded with one, and the model is gone where that fails', async () => {
    const later = await load('llama');
    await later.load_adapter(lora('queries'));
    const model = await load('llama', { adapter: lora('queries') });
    expect(model.adapters).toEqual({ all: ['default'], active: 'default' });
    expect((await scores(model)).data).toEqual((await scores(later)).data);
    for (const one of [model, later]) one.dispose();
    const { used } = engine.memory();
    for (const adapter of [at('nowhere'), lora('gpt2')])
      expect(await failureOf(() => load('llama', { adapter }))).toMatchObject({
        code: adapter === at('nowhere') ? 'NOT_FOUND' : 'UNSUPPORTED',
      });
    expect(engine.memory().used).toBe(used);
    const write = async (adapter?: string) => {
      const pipe = await pipeline('text-generation', tinyWriter, { engine, adapter });
      const [{ generated_text } = { generated_text: '' }] = await pipe('The sea', { max_new_tokens: 8 });
      expect(pipe.model.adapters.active).toBe(adapter === undefined ? null : 'default');
      pipe.dispose();
      return generated_text;
    };
    expect(await write(lora('queries'))).not.toBe(await write());
    const other = pipeline('feature-extraction', at('bert-tiny'), { engine, adapter: lora('queries') } as object);
    expect(await failureOf(() => other)).toMatchObject({ code: 'UNSUPPORTED', culprit: 'adapter' });
  });

  it('have a name that the page understands, where the model is in a worker', async () => {
    const model = await load('llama');
    const names: string[] = [];
    const hub = {
      async find(name: string) {
        names.push(name);
        return { location: lora('queries') };
      },
    };
    registerComposed('load_adapter', adapterOf(nodeRuntime, hub as never));
    const { handle } = host({ AutoModelForCausalLM: async () => model as unknown as Hosted });
    const remote = (await (await Remote.start(handle)).load('AutoModelForCausalLM', [], {})) as unknown as CausalLM;
    await remote.load_adapter('org/queries', 'one');
    expect([names, model.adapters.active]).toEqual([['org/queries'], 'one']);
    model.dispose();
  });

  it('have names, each one', async () => {
    const model = await load('llama');
    await model.load_adapter(lora('queries'), 'one');
    expect(await failureOf(() => model.load_adapter(lora('all'), 'one'))).toMatchObject({ code: 'ARGUMENT', culprit: 'name' });
    expect(await failureOf(() => model.set_adapter('two'))).toMatchObject({ code: 'ARGUMENT', cure: 'There are one' });
    expect(await failureOf(() => model.load_adapter(at('nowhere'), 'two'))).toMatchObject({ code: 'NOT_FOUND' });
    model.dispose();
  });
});
