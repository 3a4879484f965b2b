/** POST /attention: the weights that the models' own attentions are, bounded, and the probabilities of what comes next. */
import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { AutoModel, AutoModelForCausalLM, AutoTokenizer, createEngine } from 'heed';
import { afterAll, expect, it } from 'vitest';
import { tinyTranslator } from '../pipelines/tiny_translator.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { bertTiny, eye, post, serve } from './serving.js';

const engine = await createEngine({ threads: 1, deterministic: true });
const translator = await tinyTranslator();
const server = await serve({ models: { writer: { source: tinyWriter }, encoder: bertTiny, translator, eye: { source: eye } } });
afterAll(async () => {
  await server.close();
  await engine.dispose();
  rmSync(translator, { recursive: true });
});

const floats = (text: string) => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
async function seen(body: object) {
  const response = await post(server, '/attention', body);
  expect(response.status).toBe(200);
  return response.json();
}
const refusal = async (body: object) => {
  const response = await post(server, '/attention', body);
  return { status: response.status, ...(await response.json()).error };
};

it('has an encoder’s weights, bit by bit', async () => {
  const [model, tokenizer] = await Promise.all([AutoModel.from_pretrained(bertTiny, { engine }), AutoTokenizer.from_pretrained(bertTiny)]);
  const ids = tokenizer.encode('a cat');
  const { attentions } = await model({ input_ids: [ids] }, { output_attentions: true });
  const { tokens, groups, next } = await seen({ model: 'encoder', input: 'a cat' });
  expect(tokens).toEqual({ source: ids.map((id: number) => tokenizer.id_to_token(id)), target: [] });
  expect(next).toBeUndefined();
  expect(groups).toHaveLength(1);
  const { weights, ...shape } = groups[0];
  expect(shape).toEqual({ name: 'Encoder', queries: 'source', keys: 'source', layers: attentions.length, heads: attentions[0]?.dims[1] });
  expect([...floats(weights)]).toEqual(attentions.flatMap(({ data }) => [...(data as Float32Array)]));
});

it('tells what a next token adds to the text, a space too where the tokenizer begins no text with one', async () => {
  const tokenizer = JSON.parse(new TextDecoder().decode(tinyWriter['tokenizer.json']));
  const decoder = { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] };
  const source = { ...tinyWriter, 'tokenizer.json': new TextEncoder().encode(JSON.stringify({ ...tokenizer, decoder })) };
  const other = await serve({ models: { writer: { source } } });
  const response = await post(other, '/attention', { model: 'writer', input: 'Hello', top_k: 100, temperatures: [1] });
  const { next } = await response.json();
  expect(next.tokens.find(({ token }: { token: string }) => token === ' ').text).toBe(' ');
  await other.close();
});

it('has a language model’s next tokens, whose probabilities are those of its scores at any temperature', async () => {
  const model = await AutoModelForCausalLM.from_pretrained(tinyWriter, { engine });
  const tokenizer = await AutoTokenizer.from_pretrained(tinyWriter);
  const ids = tokenizer.encode('Hello');
  const { logits } = await model({ input_ids: [ids] });
  const V = logits.dims[2] as number;
  const row = [...(logits.data as Float32Array).subarray((ids.length - 1) * V)];
  const { next, groups } = await seen({ model: 'writer', input: 'Hello', top_k: 5, temperatures: [1, 0.3] });
  expect(groups[0].name).toBe('Decoder');
  expect(next.tokens.map(({ logit }: { logit: number }) => logit)).toEqual([...row].sort((a, b) => b - a).slice(0, 5));
  for (const [i, t] of [1, 0.3].entries()) {
    const total = row.reduce((sum, logit) => sum + Math.exp(logit / t), 0);
    for (const { id, logit } of next.tokens) {
      expect(row[id]).toBe(logit);
      expect(Math.exp(logit / t - next.log_sums[i])).toBeCloseTo(Math.exp((row[id] as number) / t) / total, 6);
    }
  }
});

it('has a translation’s three kinds', async () => {
  const { translation, tokens, groups } = await seen({ model: 'translator', input: 'Hello.' });
  expect(translation).toEqual(expect.any(String));
  expect(groups.map(({ name }: { name: string }) => name)).toEqual(['Encoder', 'Cross', 'Decoder']);
  for (const { queries, keys, layers, heads, weights } of groups) {
    const [T, S] = [tokens[queries].length, tokens[keys].length];
    const all = floats(weights);
    expect(all.length).toBe(layers * heads * T * S);
    expect(all.subarray(0, S).reduce((a, b) => a + b)).toBeCloseTo(1, 4);
  }
});

it('has a picture’s patches, and the picture as the model sees it', async () => {
  const image = (await readFile(new URL('../fixtures/image/files/rgb.png', import.meta.url))).toString('base64');
  const { tokens, groups, picture } = await seen({ model: 'eye', image });
  expect(tokens.source).toHaveLength(17);
  expect(tokens.source.slice(0, 3)).toEqual(['[CLS]', '1, 1', '1, 2']);
  expect(floats(groups[0].weights).length).toBe(groups[0].layers * groups[0].heads * 17 * 17);
  const { pixels, ...sizes } = picture;
  expect(sizes).toEqual({ width: 24, height: 24, rows: 4, columns: 4, first: 1 });
  expect(Buffer.from(pixels, 'base64').length).toBe(24 * 24 * 3);
  // A picture of one colour is that colour again, whatever the model's means are.
  const red = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
  const plain = Buffer.from((await seen({ model: 'eye', image: red })).picture.pixels, 'base64');
  expect([...plain.subarray(0, 3)]).toEqual([255, 0, 0]);
});

it('refuses what the model does not read, and what would be too large', async () => {
  expect(await refusal({ model: 'encoder' })).toMatchObject({ status: 400, param: 'input' });
  expect(await refusal({ model: 'encoder', input: 'a', image: 'AAAA' })).toMatchObject({ status: 400, param: 'image' });
  expect(await refusal({ model: 'eye', input: 'a' })).toMatchObject({ status: 400, param: 'image' });
  expect(await refusal({ model: 'eye', image: 'AAAA' })).toMatchObject({ status: 400 });
  expect(await refusal({ model: 'eye', image: '/etc/passwd' })).toMatchObject({ status: 400, param: 'image' });
  expect(await refusal({ model: 'encoder', input: 'a', top_k: 1e9 })).toMatchObject({ status: 400, param: 'top_k' });
  const long = await refusal({ model: 'writer', input: 'a '.repeat(5000) });
  expect(long).toMatchObject({ status: 400, param: 'input', code: 'context_length_exceeded' });
});
