/** AutoModelForCausalLM: what Hugging Face's models write, by every search, alone and beside texts of other lengths, and what is refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForCausalLM, type CausalInputs, type CausalLM, createEngine, type Engine } from '../../dist/entry/node.js';
import { failureOf } from '../io/memory.js';
import { numbersOf, readWeights, type Weight } from '../models/files.js';

const folder = fileURLToPath(new URL('../fixtures/causal', import.meta.url));

const names = readdirSync(folder).filter((name) => !name.includes('.'));

describe.each(names)('%s', (name) => {
  let engine: Engine;
  let model: CausalLM;
  const expected = readWeights(readFileSync(join(folder, name, 'expected.safetensors')));
  const of = (key: string) => {
    const { bytes, shape } = expected[key] as Weight;
    return { data: new Int32Array(bytes.slice().buffer), dims: shape as number[] };
  };
  beforeAll(async () => {
    engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
    // No token ends a text.
    const { eos_token_id: _, ...config } = JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8'));
    const files = {
      'config.json': new TextEncoder().encode(JSON.stringify(config)),
      'model.safetensors': readFileSync(join(folder, name, 'model.safetensors')),
    };
    model = await AutoModelForCausalLM.from_pretrained(files, { engine });
  });
  afterAll(async () => {
    model.dispose();
    await engine.dispose();
  });
  const prompt = () => of('prompt');
  const lists = (x: { tolist(): unknown }) => x.tolist() as number[][];
  const rows = ({ data, dims }: { data: Int32Array; dims: number[] }) =>
    Array.from({ length: dims[0] as number }, (_, r) => [...data.subarray(r * (dims[1] as number), (r + 1) * (dims[1] as number))]);
  const bytes = (row: readonly number[]) => JSON.stringify(row);

  it("scores a text as Hugging Face's does", async () => {
    const { data, dims } = of('input_ids');
    const input_ids = rows({ data, dims });
    const { logits, attentions, hidden_states } = await model({ input_ids }, { output_attentions: true, output_hidden_states: true });
    const far = (got: { data: ArrayLike<number> }, key: string) =>
      numbersOf(expected[key] as Weight).reduce((most, x, i) => Math.max(most, Math.abs(x - (got.data[i] as number))), 0);
    expect(far(logits, 'logits')).toBeLessThan(1e-4);
    for (const [i, x] of (attentions ?? []).entries()) expect(far(x as never, `attn.${i}`)).toBeLessThan(1e-4);
    for (const [i, x] of (hidden_states ?? []).entries()) expect(far(x as never, `hidden.${i}`)).toBeLessThan(1e-4);
  });

  it.each([
    ['greedy', {}],
    ['beam4', { num_beams: 4 }],
    ['rep', { repetition_penalty: 1.5 }],
    ['beam3_ret2_ngram', { num_beams: 3, num_return_sequences: 2, no_repeat_ngram_size: 2, length_penalty: 0.7 }],
  ])("writes what Hugging Face's writes: %s", async (key, options) => {
    const want = rows(of(key));
    const got = await model.generate({ input_ids: rows(prompt()), max_new_tokens: 16, ...options });
    expect(lists(got)).toEqual(want);
  });

  it("writes and scores what Hugging Face's does, padded before or behind", async () => {
    const padded = readWeights(readFileSync(join(folder, name, 'padding.safetensors')));
    const ints = (key: string) => {
      const { bytes, shape } = padded[key] as Weight;
      return rows({ data: new Int32Array(bytes.slice().buffer), dims: shape as number[] });
    };
    const told = (key: string) => ({ input_ids: ints(key), attention_mask: ints(key).map((row) => row.map(Math.sign)) });
    expect(lists(await model.generate({ ...told('left'), max_new_tokens: 9 }))).toEqual(ints('written'));
    const { logits } = await model(told('right'));
    const [want, [, T = 0, V = 0]] = [numbersOf(padded.logits as Weight), (padded.logits as Weight).shape];
    const far = told('right').attention_mask.map((row, b) =>
      row.reduce((most, seen, t) => {
        const at = (b * T + t) * V;
        const apart = (i: number) => Math.abs((want[i] as number) - (logits.data[i] as number));
        return seen ? Math.max(most, ...Array.from({ length: V }, (_, v) => apart(at + v))) : most;
      }, 0),
    );
    expect(Math.max(...far)).toBeLessThan(1e-4);
  });

  it('writes the same beside texts of other lengths, padded before or behind', async () => {
    const texts = [[5, 9, 3, 7, 11, 8], [4], [6, 2, 9]];
    const wishes = { max_new_tokens: 9 };
    const alone: string[] = [];
    for (const text of texts)
      alone.push(bytes((lists(await model.generate({ input_ids: [text], ...wishes }))[0] as number[]).slice(text.length)));
    for (const left of [true, false]) {
      const padding = (text: number[]) => new Array(6 - text.length).fill(0);
      const put = (text: number[], pads: number[]) => (left ? [...pads, ...text] : [...text, ...pads]);
      const input_ids = texts.map((text) => put(text, padding(text)));
      const attention_mask = texts.map((text) =>
        put(
          text.map(() => 1),
          padding(text),
        ),
      );
      const together = lists(await model.generate({ input_ids, attention_mask, ...wishes }));
      expect(together.map((row) => bytes(row.slice(6)))).toEqual(alone);
      expect(together.map((row) => bytes(row.slice(0, 6)))).toEqual(input_ids.map(bytes));
      const { logits } = await model({ input_ids, attention_mask });
      const one = (await model({ input_ids: [texts[2] as number[]] })).logits.tolist() as number[][][];
      const row = (logits.tolist() as number[][][])[2] as number[][];
      expect(left ? row.slice(3) : row.slice(0, 3)).toEqual(one[0]);
    }
  });

  it('tells of its steps, streams, draws by a seed, and stops', async () => {
    const input_ids = rows(prompt());
    const told = await model.generate({
      input_ids,
      max_new_tokens: 4,
      return_dict_in_generate: true,
      output_scores: true,
      output_attentions: true,
    });
    expect(told.scores).toHaveLength(4);
    expect(told.attentions?.[0]?.dims.slice(2)).toEqual([9, 9]);
    const heard: number[] = [];
    const streamer = { put: (tokens: number[][]) => void heard.push(...(tokens[0] as number[])), end: () => void heard.push(-1) };
    const written = lists(await model.generate({ input_ids, max_new_tokens: 4, streamer }))[0] as number[];
    expect(heard).toEqual([...written, -1]);
    const draw = async (seed: number) =>
      bytes(lists(await model.generate({ input_ids, max_new_tokens: 8, do_sample: true, seed }))[0] as number[]);
    expect(await draw(1)).toBe(await draw(1));
    expect(await draw(1)).not.toBe(await draw(2));
    const stop = AbortSignal.abort(new Error('enough'));
    await expect(model.generate({ input_ids, max_new_tokens: 8, signal: stop })).rejects.toThrow('enough');
  });

  it('tells of the steps of texts of different lengths, from the first new token of each on', async () => {
    const texts = [[5, 9, 3], [4]];
    const asked = {
      max_new_tokens: 5,
      min_new_tokens: 5,
      eos_token_id: 96,
      return_dict_in_generate: true,
      output_scores: true,
      output_logits: true,
    } as const;
    const input_ids = [texts[0], [0, 0, 4]] as number[][];
    const attention_mask = [
      [1, 1, 1],
      [0, 0, 1],
    ];
    const together = await model.generate({ input_ids, attention_mask, ...asked, repetition_penalty: 1.4 });
    for (const [row, text] of texts.entries()) {
      const alone = await model.generate({ input_ids: [text], ...asked, repetition_penalty: 1.4 });
      for (const key of ['scores', 'logits'] as const)
        expect(together[key]?.map((x) => (x.tolist() as number[][])[row])).toEqual(alone[key]?.map((x) => (x.tolist() as number[][])[0]));
    }
  });

  it.each([
    ['padding between tokens', { input_ids: [[1, 2, 3]], attention_mask: [[1, 0, 1]] }, 'ARGUMENT'],
    ['no token at all', { input_ids: [[1, 2, 3]], attention_mask: [[0, 0, 0]] }, 'ARGUMENT'],
    ['a token outside of the vocabulary', { input_ids: [[1, 97]] }, 'ARGUMENT'],
    ['more tokens than it has positions', { input_ids: [[1, 2]], max_new_tokens: 1000 }, 'ARGUMENT'],
    ['an option that it does not have', { input_ids: [[1, 2]], penalty_alpha: 0.6 }, 'UNSUPPORTED'],
  ])('refuses %s', async (what, options, code) => {
    // ALiBi has no last position.
    if (name === 'bloom' && what.startsWith('more tokens')) return;
    expect((await failureOf(() => model.generate(options as never))).code).toBe(code);
  });
});

describe('a text that outgrows those of pretraining while it is written (LongRoPE)', async () => {
  const path = join(folder, 'phi4_mini');
  const { prompt, written } = readWeights(readFileSync(join(path, 'outgrown.safetensors'))) as Record<string, Weight>;
  const rowOf = ({ bytes }: Weight) => Array.from(new Int32Array(bytes.slice().buffer));
  const [ids, whole] = [rowOf(prompt as Weight), rowOf(written as Weight)];
  const { eos_token_id: _, ...config } = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
  const files = {
    'config.json': new TextEncoder().encode(JSON.stringify(config)),
    'model.safetensors': readFileSync(join(path, 'model.safetensors')),
  };
  const engine = await createEngine({ threads: 1, deterministic: true });
  const model = await AutoModelForCausalLM.from_pretrained(files, { engine });
  afterAll(() => engine.dispose());
  const write = async (options: CausalInputs & { prompt_lookup_num_tokens?: number }) =>
    (await model.generate({ max_new_tokens: whole.length - ids.length, ...options })).tolist() as number[][];

  it('is read anew there, as transformers has it', async () => {
    expect(await write({ input_ids: [ids] })).toEqual([whole]);
    // What was remembered of it, with other angles, would have led elsewhere.
    const state = model.module.start(ids.length);
    const stale = [...ids];
    for (let next = ids; stale.length < whole.length; next = stale.slice(-1)) {
      const scores = await engine.run(function* () {
        const { logits } = yield* model.module.decode(Int32Array.from(next), [1, next.length], state, { last: 1 });
        return Array.from(logits.toHost().data as Float32Array);
      });
      stale.push(scores.indexOf(Math.max(...scores)));
    }
    state.dispose();
    expect(stale).not.toEqual(whole);
  });

  it('beside others that do not, with guesses, and in beams', async () => {
    const short = ids.slice(0, 9);
    const filled = [...Array<number>(ids.length - short.length).fill(0), ...short];
    const attention_mask = [ids.map(() => 1), filled.map((_, t) => Number(t >= ids.length - short.length))];
    const [own] = await write({ input_ids: [short] });
    const [first, second] = await write({ input_ids: [ids, filled], attention_mask });
    expect([first, second?.slice(ids.length - short.length)]).toEqual([whole, own]);
    expect(await write({ input_ids: [ids], prompt_lookup_num_tokens: 4 })).toEqual([whole]);
    const { sequences, sequences_scores } = await model.generate({
      ...{ input_ids: [ids], num_beams: 3, max_new_tokens: whole.length - ids.length, return_dict_in_generate: true },
    });
    // Its probability is that of forwards over all of it, one for each token.
    const [row = []] = sequences.tolist() as number[][];
    let sum = 0;
    for (let t = ids.length; t < row.length; t++) {
      const { logits } = await model({ input_ids: [row.slice(0, t)] });
      const scores = Array.from(logits.data as Float32Array).slice(-97);
      sum += (scores[row[t] as number] as number) - Math.log(scores.reduce((all, score) => all + Math.exp(score), 0));
    }
    expect(sequences_scores?.data[0]).toBeCloseTo(sum / (row.length - ids.length), 4);
  });
});
