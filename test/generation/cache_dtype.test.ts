/** cache_dtype: keys and values in int8 take about a quarter of the memory, and what is written with them is nearly what float32 writes. */
import { fileURLToPath } from 'node:url';
import { AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, createEngine, DynamicCache, type HostTensor } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../io/memory.js';

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

/** Scores of four tokens, each with those before it remembered, and the bytes of a memory of them. */
async function told(cache_dtype: 'float32' | 'int8') {
  const model = await AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine, cache_dtype });
  const past_key_values = new DynamicCache();
  const input_ids = [Array.from({ length: 40 }, (_, i) => (i * 7) % 97)];
  const { logits } = await model.generate({
    input_ids,
    past_key_values,
    max_new_tokens: 4,
    return_dict_in_generate: true,
    output_logits: true,
  });
  const { bytes } = past_key_values;
  past_key_values.dispose();
  model.dispose();
  return { bytes, logits: (logits as HostTensor[]).flatMap(({ data }) => [...(data as Float32Array)]) };
}

describe('cache_dtype', () => {
  it('int8 takes less than 0.4 of the memory, and scores are near', async () => {
    const [plain, small] = [await told('float32'), await told('int8')];
    expect(small.bytes).toBeGreaterThan(0);
    expect(small.bytes / plain.bytes).toBeLessThan(0.4);
    const most = Math.max(...plain.logits.map(Math.abs));
    const far = Math.max(...plain.logits.map((x, i) => Math.abs(x - (small.logits[i] as number))));
    expect(far).toBeGreaterThan(0);
    expect(far / most).toBeLessThan(0.05);
  });

  it('is taken by encoder-decoders too', async () => {
    const written = async (cache_dtype: 'float32' | 'int8') => {
      const model = await AutoModelForSeq2SeqLM.from_pretrained(fixture('hf/marian'), { engine, cache_dtype });
      const { scores } = await model.generate({
        ...{ input_ids: [[5, 6, 7, 8, 0]], max_new_tokens: 3, num_beams: 1, output_scores: true, return_dict_in_generate: true },
      });
      model.dispose();
      const [first] = scores as [HostTensor];
      return [...(first.data as Float32Array)].filter(Number.isFinite);
    };
    const [plain, small] = [await written('float32'), await written('int8')];
    const far = plain.map((x, i) => Math.abs(x - (small[i] as number))).reduce((a, b) => Math.max(a, b));
    expect(far).toBeGreaterThan(0);
    expect(far).toBeLessThan(0.05 * Math.max(...plain.map(Math.abs)));
  });

  it('is refused by models that write nothing, and for other numbers', async () => {
    expect(await failureOf(() => AutoModel.from_pretrained(fixture('bert-tiny'), { engine, cache_dtype: 'int8' }))).toMatchObject({
      ...{ code: 'ARGUMENT', culprit: 'cache_dtype' },
    });
    const other = () => AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine, cache_dtype: 'int4' as 'int8' });
    expect(await failureOf(other)).toMatchObject({ code: 'ARGUMENT', cure: 'It is one of float32, int8' });
  });
});
