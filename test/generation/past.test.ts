/** Memory of what was read: a text with a common beginning reads only what is new, and gets the bits that it gets without; what is kept has a limit, and can be given up. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, type CausalLM, createEngine, DynamicCache, pipeline } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../io/memory.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const folder = fileURLToPath(new URL('../fixtures/causal', import.meta.url));
const names = readdirSync(folder).filter((name) => !name.includes('.'));
const load = (name: string): Promise<CausalLM> => {
  const { eos_token_id: _, ...config } = JSON.parse(readFileSync(`${folder}/${name}/config.json`, 'utf8'));
  const files = {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': readFileSync(`${folder}/${name}/model.safetensors`),
  };
  return AutoModelForCausalLM.from_pretrained(files, { engine });
};
/** Tokens that the model reads from now on, in all of its steps. */
function countReading(model: CausalLM): () => number {
  const spy = vi.spyOn(model.module, 'decode');
  return () => spy.mock.calls.splice(0).reduce((sum, [ids]) => sum + ids.length, 0);
}
const first = [5, 9, 3, 7, 11, 8, 30];
const asked = { max_new_tokens: 5, return_dict_in_generate: true, output_logits: true } as const;
const bits = (told: { logits?: readonly { data: unknown }[] }) => told.logits?.map(({ data }) => [...(data as Float32Array)]);

describe.each(names)('%s', (name) => {
  it('goes on from what was read with the bits of a text that is read anew', async () => {
    const model = await load(name);
    const past_key_values = new DynamicCache();
    const one = await model.generate({ input_ids: [first], ...asked, past_key_values });
    expect(one.past_key_values).toBe(past_key_values);
    const written = (one.sequences.tolist() as number[][])[0] as number[];
    // The last token was not read.
    expect(past_key_values.input_ids).toEqual(written.slice(0, -1));
    for (const turn of [
      [...written, 4, 6, 2],
      [...first.slice(0, 4), 40, 41],
    ]) {
      const alone = await model.generate({ input_ids: [turn], ...asked });
      const count = countReading(model);
      const known = past_key_values.input_ids;
      const common = turn.findIndex((id, i) => id !== known[i]);
      const again = await model.generate({ input_ids: [turn], ...asked, past_key_values });
      // Texts whose positions depend on how long they are share nothing.
      const most = turn.length + asked.max_new_tokens - 1;
      expect([most - common, most]).toContain(count());
      expect(again.sequences.tolist()).toEqual(alone.sequences.tolist());
      expect(bits(again)).toEqual(bits(alone));
      vi.restoreAllMocks();
    }
    past_key_values.dispose();
    model.dispose();
  });
});

describe('a DynamicCache', () => {
  it('reads the new tokens alone, is cropped, and leaves nothing behind', async () => {
    const model = await load('llama');
    // What the engine keeps of its own accord.
    await model.generate({ input_ids: [first], max_new_tokens: 4, num_beams: 3 });
    const { used } = engine.memory();
    const past_key_values = new DynamicCache();
    const count = countReading(model);
    const sequence = await model.generate({ input_ids: [first], max_new_tokens: 5, past_key_values });
    expect([count(), past_key_values.get_seq_length()]).toEqual([11, 11]);
    const next = [...(sequence.tolist() as number[][]).flat(), 20, 21];
    await model.generate({ input_ids: [next], max_new_tokens: 3, past_key_values });
    expect(count()).toBe(3 + 2);
    // The same text once more: its last token is scored anew.
    await model.generate({ input_ids: [next], max_new_tokens: 1, past_key_values });
    expect(count()).toBe(1);
    past_key_values.crop(-4);
    expect(past_key_values.get_seq_length()).toBe(10);
    await model.generate({ input_ids: [next], max_new_tokens: 1, past_key_values });
    expect(count()).toBe(4);
    await model.generate({ input_ids: [next], max_new_tokens: 4, num_beams: 3, past_key_values });
    expect(past_key_values.input_ids).toEqual(next);
    expect(past_key_values.bytes).toBeGreaterThan(0);
    past_key_values.dispose();
    expect(engine.memory().used).toBe(used);
    model.dispose();
  });

  it('holds what was read of an answer that was given up', async () => {
    const model = await load('llama');
    const past_key_values = new DynamicCache();
    let left = 5;
    const streamer = {
      put: () => {
        if (--left === 0) throw new Error('enough');
      },
      end: () => {},
    };
    await expect(model.generate({ input_ids: [first], max_new_tokens: 20, streamer, past_key_values })).rejects.toThrow('enough');
    expect(past_key_values.get_seq_length()).toBe(first.length + 3);
    past_key_values.dispose();
    model.dispose();
  });

  it('is saved, and loaded by another process with the same bits', async () => {
    const [model, other] = [await load('llama'), await load('llama')];
    const past_key_values = new DynamicCache();
    // More keys than a page has panels.
    const text = Array.from({ length: 43 }, (_, i) => 3 + ((i * 7) % 90));
    await model.generate({ input_ids: [text], max_new_tokens: 2, past_key_values });
    const bytes = await past_key_values.save();
    const { used } = engine.memory();
    const loaded = await DynamicCache.load(other, bytes);
    expect(loaded.input_ids).toEqual(past_key_values.input_ids);
    expect(await loaded.save()).toEqual(bytes);
    const count = countReading(other);
    const next = [...text, 5, 6];
    const again = await other.generate({ input_ids: [next], ...asked, past_key_values: loaded });
    expect(count()).toBeLessThanOrEqual(2 + 4);
    expect(bits(again)).toEqual(bits(await model.generate({ input_ids: [next], ...asked })));
    loaded.dispose();
    expect(engine.memory().used).toBe(used);
    for (const one of [past_key_values, model, other]) one.dispose();
  });

  it('is not loaded where bytes are damaged, or of another model', async () => {
    const model = await load('llama');
    const past_key_values = new DynamicCache();
    expect((await failureOf(() => past_key_values.save())).message).toMatch(/remembers nothing/);
    await model.generate({ input_ids: [first], max_new_tokens: 2, past_key_values });
    const bytes = await past_key_values.save();
    past_key_values.dispose();
    const { used } = engine.memory();
    const codes = new Set<string>();
    // A bit in each part: lengths, the header, tokens, keys and values.
    for (let at = 0; at < bytes.length; at += at < 2500 ? 1 : 499) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      codes.add((await failureOf(() => DynamicCache.load(model, damaged))).code);
    }
    for (const length of [0, 7, 100, bytes.length - 1])
      codes.add((await failureOf(() => DynamicCache.load(model, bytes.slice(0, length)))).code);
    expect([...codes].sort()).toEqual(['FORMAT', 'MODEL_MISMATCH']);
    const [larger, alike] = [await load('qwen2'), await load('llama')];
    const mismatch = { code: 'MODEL_MISMATCH', culprit: 'the cache' };
    expect(await failureOf(() => DynamicCache.load(larger, bytes))).toMatchObject(mismatch);
    // One weight of the same model is another.
    const [, weights] = [...alike.module.namedParameters()].find(([name]) => name.includes('norm1')) as [
      string,
      { tensor: { ptr: number } },
    ];
    engine.heap.floats(weights.tensor.ptr, 1)[0] = 3;
    expect(await failureOf(() => DynamicCache.load(alike, bytes))).toMatchObject(mismatch);
    expect((await failureOf(() => DynamicCache.load(model, 'x' as never))).code).toBe('ARGUMENT');
    larger.dispose();
    alike.dispose();
    model.dispose();
    expect(engine.memory().used).toBeLessThan(used);
  });

  it('is refused where it cannot be', async () => {
    const [model, other] = [await load('llama'), await load('llama')];
    const past_key_values = new DynamicCache();
    const options = { max_new_tokens: 2, past_key_values };
    const refused = async (work: () => Promise<unknown>, message: RegExp) =>
      expect(await failureOf(work)).toMatchObject({
        code: 'ARGUMENT',
        culprit: 'past_key_values',
        message: expect.stringMatching(message),
      });
    await refused(() => model.generate({ input_ids: [first, first], ...options }), /one text, and there are 2/);
    await refused(() => model.generate({ input_ids: [first], max_new_tokens: 2, past_key_values: {} as never }), /is an object/);
    await model.generate({ input_ids: [first], ...options });
    await refused(() => other.generate({ input_ids: [first], ...options }), /another model/);
    expect((await failureOf(() => past_key_values.crop(-99))).culprit).toBe('length');
    past_key_values.dispose();
    await refused(() => model.generate({ input_ids: [first], ...options }), /disposed of/);
    await model.generate({ input_ids: [first], max_new_tokens: 2, past_key_values: null });
    for (const one of [model, other]) one.dispose();
  });
});

describe('text-generation', () => {
  const options = { max_new_tokens: 6 };

  it('reads of the next turn of a conversation what is new, and writes what it writes without', async () => {
    const write = await pipeline('text-generation', tinyWriter, { engine });
    const count = countReading(write.model);
    const say = [{ role: 'user', content: 'Hi, you there' }];
    const [answered] = await write(say, options);
    const prompt = 'u:Hi, you there a:'.length;
    expect(count()).toBe(prompt + 5);
    const turn = [...(answered?.generated_text ?? []), { role: 'user', content: 'No' }];
    const [again] = await write(turn, options);
    // The last token of the answer, what ends it, the question, and five of the new answer.
    expect(count()).toBe(1 + ' u:No a:'.length + 5);
    // Another conversation that begins alike.
    await write([{ role: 'user', content: 'Hi, you' }], options);
    expect(count()).toBe('a:'.length + 5);
    const fresh = await pipeline('text-generation', tinyWriter, { engine });
    expect(await fresh(turn, { ...options, prefix_cache: 0 })).toEqual([again]);
    expect(fresh.model.prefix_cache.bytes).toBe(0);
    expect(await write(turn, { ...options, prefix_cache: 0 })).toEqual([again]);
    expect(count()).toBe(prompt + 6 + ' u:No a:'.length + 5);
    for (const one of [write, fresh]) one.dispose();
  });

  it('gives up what it keeps where memory is short for what is written', async () => {
    const small = await createEngine({ threads: 1, memory: { maximum: 4 * 2 ** 20 } });
    const write = await pipeline('text-generation', tinyWriter, { engine: small });
    const { prefix_cache: cache } = write.model;
    const fresh = await write('zz', { ...options, prefix_cache: 0 });
    cache.limit = 4 * 2 ** 20;
    // Until nothing more fits.
    let most = 0;
    for (let i = 0; i < 400 && cache.bytes >= most; i++) {
      most = cache.bytes;
      await write(`${String.fromCharCode(48 + (i % 40), 48 + Math.floor(i / 40))} a text of its own`, options);
    }
    expect(most).toBeGreaterThan(2 ** 20);
    expect(cache.bytes).toBeLessThan(most);
    expect(await write('zz', options)).toEqual(fresh);
    write.dispose();
    await small.dispose();
  });

  it('keeps to its limit: what was not used for longest is given up', async () => {
    const { used } = engine.memory();
    const write = await pipeline('text-generation', tinyWriter, { engine });
    const { prefix_cache: cache } = write.model;
    await write('abcdef', options);
    const one = cache.bytes;
    await write('ghijkl', options);
    expect(cache.bytes).toBe(2 * one);
    const count = countReading(write.model);
    await write('abcdef', options);
    expect(count()).toBe(1 + 5);
    await write('mnopqr', { ...options, prefix_cache: 2 * one });
    expect(cache.bytes).toBe(2 * one);
    count();
    await write('ghijkl', { ...options, max_new_tokens: 1 });
    expect(count()).toBe(6);
    cache.clear();
    expect(cache.bytes).toBe(0);
    expect((await failureOf(() => write('x', { prefix_cache: -1 }))).culprit).toBe('limit');
    await write('abcdef', options);
    write.dispose();
    expect(engine.memory().used).toBe(used);
  });
});

it.skipIf(!hasSmollm2)(
  'SmolLM2 reads of a second turn what is new, and says what it says without',
  async () => {
    const write = await pipeline('text-generation', smollm2, { engine });
    const count = countReading(write.model);
    const options = { max_new_tokens: 12 };
    const say = [{ role: 'user', content: 'Write one sentence about the sea.' }];
    const [answered] = await write(say, options);
    const read = count();
    const turn = [...(answered?.generated_text ?? []), { role: 'user', content: 'And one about a ship.' }];
    const [again] = await write(turn, options);
    const { input_ids } = write.tokenizer.apply_chat_template(turn, { add_generation_prompt: true });
    // Of the last answer the last token, which nobody had read, and what the template puts behind it.
    expect(count()).toBe(input_ids.dims[1] - read + 11);
    expect(await write(turn, { ...options, prefix_cache: 0 })).toEqual([again]);
    expect(count()).toBe(input_ids.dims[1] + 11);
    write.dispose();
  },
  60_000,
);
