/** Vectors by OpenAI's client: those of the pipeline, as numbers and in base64. */
import { createEngine, pipeline } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { bertTiny, clientOf, gathered, post, serve } from './serving.js';

const engine = await createEngine({ threads: 1, deterministic: true });
const extractor = await pipeline('feature-extraction', bertTiny, { engine });
const server = await serve();
const client = clientOf(server);
afterAll(async () => {
  await server.close();
  await engine.dispose();
});

const vectors = async (texts: string[], options = {}) => (await extractor.encode(texts, options)).tolist();

describe('/v1/embeddings', () => {
  it('gives the vectors that encode does, in both encodings', async () => {
    const input = ['a cat', 'a kitten sleeps'];
    // The client asks for base64, and decodes it, unless it is told.
    for (const encoding_format of [undefined, 'float'] as const) {
      const { data, usage } = await client.embeddings.create({ model: 'encoder', input, ...(encoding_format && { encoding_format }) });
      expect(data.map(({ embedding }) => embedding)).toEqual(await vectors(input));
      expect(data.map(({ index }) => index)).toEqual([0, 1]);
      expect(usage.prompt_tokens).toBe(input.reduce((sum, text) => sum + extractor.tokenizer.encode(text).length, 0));
    }
    const { data } = await client.embeddings.create({ model: 'encoder', input: 'a cat', dimensions: 8 });
    expect(data.map(({ embedding }) => embedding)).toEqual(await vectors(['a cat'], { truncate_dim: 8 }));
  });

  it('refuses what is no text', async () => {
    for (const input of [[], 3, [[1, 2]], undefined]) {
      const response = await post(server, '/v1/embeddings', { model: 'encoder', input });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: 'input' } });
    }
  });
});

describe('/v1/models', () => {
  it('lists the models by their names, and tells of each', async () => {
    const models = await gathered(client.models.list());
    expect(models).toMatchObject([
      { id: 'writer', object: 'model', task: 'text-generation', loaded: true },
      { id: 'long' },
      { id: 'encoder', task: 'feature-extraction' },
    ]);
    expect(await client.models.retrieve('encoder')).toEqual(models[2]);
    await expect(client.models.retrieve('../encoder')).rejects.toMatchObject({ status: 404 });
  });

  it('says that the server is there', async () => {
    const response = await server.fetch(new Request('http://localhost/health'));
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });
});
