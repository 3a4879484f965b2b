/** The other paths, each by a tiny model: what it answers is what the task's pipeline does. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine, pipeline } from 'heed';
import { afterAll, describe, expect, it } from 'vitest';
import { tiny } from '../pipelines/tiny.js';
import { tinyTranslator } from '../pipelines/tiny_translator.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { bertTiny, clientOf, gathered, longWriter, post, serve } from './serving.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const engine = await createEngine({ threads: 1, deterministic: true });
const translator = await tinyTranslator();
const server = await serve({
  models: {
    ...{ writer: { source: tinyWriter }, long: { source: longWriter }, encoder: bertTiny, classifier: tiny('classify') },
    ...{ reranker: fixture('embedding_decoders/rerank'), translator, hearer: fixture('ctc/group') },
  },
});
const client = clientOf(server);
afterAll(async () => {
  await server.close();
  await engine.dispose();
  rmSync(translator, { recursive: true });
});
const answerOf = async (path: string, body: object) => {
  const response = await post(server, path, body);
  expect(response.status).toBe(200);
  return response.json();
};

it('takes tasks from config.json', async () => {
  const models = await gathered(client.models.list());
  expect(models.map((model) => (model as unknown as { task: string }).task)).toEqual([
    ...['text-generation', 'text-generation', 'feature-extraction', 'text-classification', 'text-classification'],
    ...['translation', 'automatic-speech-recognition'],
  ]);
});

describe('/v1/completions', () => {
  const asked = { model: 'writer', temperature: 0, max_tokens: 8 };

  it('goes on from texts, and from tokens, at once and as a stream', async () => {
    const write = await pipeline('text-generation', tinyWriter, { engine });
    const alone = async (text: string) => (await write(text, { max_new_tokens: 8, return_full_text: false }))[0]?.generated_text;
    const { choices, usage } = await client.completions.create({ ...asked, prompt: ['Hello', 'a'] });
    expect(choices.map(({ text }) => text)).toEqual([await alone('Hello'), await alone('a')]);
    expect(usage).toEqual({ prompt_tokens: 6, completion_tokens: 16, total_tokens: 22 });
    const ids = [...write.tokenizer.encode('Hello')];
    expect((await client.completions.create({ ...asked, prompt: ids })).choices[0]?.text).toBe(await alone('Hello'));
    const chunks = await gathered(await client.completions.create({ ...asked, prompt: ['Hello', 'a'], stream: true }));
    const texts = ['', ''];
    for (const { choices } of chunks) for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual([await alone('Hello'), await alone('a')]);
    expect(chunks.filter(({ choices }) => choices[0]?.finish_reason === 'length')).toHaveLength(2);
  });

  it('goes on from more texts than there are places, a few at a time', async () => {
    const own = await serve({ maxBatch: 2 });
    const prompt = Array.from({ length: 7 }, (_, i) => `text ${i}`);
    const { choices } = await clientOf(own).completions.create({ ...asked, prompt });
    const alone = await Promise.all(prompt.map((one) => client.completions.create({ ...asked, prompt: one })));
    expect(choices.map(({ text }) => text)).toEqual(alone.map((one) => one.choices[0]?.text));
    await own.close();
  });

  it('tells log-probabilities in the form of this path', async () => {
    const { choices } = await client.completions.create({ ...asked, prompt: 'Hello', logprobs: 2 });
    const { text, logprobs } = choices[0] as (typeof choices)[0];
    expect(logprobs?.tokens?.join('')).toBe(text);
    expect(logprobs?.text_offset).toEqual(logprobs?.tokens?.map((_, i, all) => all.slice(0, i).join('').length));
    expect(logprobs?.top_logprobs?.every((top) => Object.keys(top).length === 2)).toBe(true);
    expect(logprobs?.token_logprobs?.every((logprob) => logprob < 0)).toBe(true);
  });

  it('refuses a prompt without tokens, and tokens that there are not', async () => {
    for (const prompt of ['', [5000], [[]]]) expect((await post(server, '/v1/completions', { ...asked, prompt })).status).toBe(400);
  });
});

describe('/v1/responses', () => {
  const asked = { model: 'writer', temperature: 0, max_output_tokens: 8 };

  it('answers as the chat path does, and streams the same by events in order', async () => {
    const chat = await client.chat.completions.create({
      ...{ model: 'writer', temperature: 0, max_tokens: 8 },
      messages: [
        { role: 'system', content: 'Be.' },
        { role: 'user', content: 'Hi' },
      ],
    });
    const text = chat.choices[0]?.message.content as string;
    const response = await client.responses.create({ ...asked, instructions: 'Be.', input: 'Hi' });
    expect(response).toMatchObject({ object: 'response', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect(response.output_text).toBe(text);
    expect(response.usage).toMatchObject({ input_tokens: 'sBe. uHi a:'.length + 2, output_tokens: 8 });
    const input = [{ role: 'user' as const, content: [{ type: 'input_text' as const, text: 'Hi' }] }];
    const events = await gathered(await client.responses.create({ ...asked, instructions: 'Be.', input, stream: true }));
    const deltas = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : ''));
    expect(deltas.join('')).toBe(text);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, i) => i));
    const types = events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(types).toEqual([
      ...['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added'],
      ...['response.output_text.delta', 'response.output_text.done', 'response.content_part.done', 'response.output_item.done'],
      'response.incomplete',
    ]);
    const last = events.at(-1);
    expect(last?.type === 'response.incomplete' && last.response.output).toMatchObject([{ type: 'message', content: [{ text }] }]);
  });

  it('refuses to remember, and unknown parts, by name', async () => {
    const refused = async (more: object) => {
      const response = await post(server, '/v1/responses', { ...asked, input: 'Hi', ...more });
      return [response.status, ((await response.json()) as { error: { param: string } }).error.param];
    };
    expect(await refused({ previous_response_id: 'resp_1' })).toEqual([400, 'previous_response_id']);
    expect(await refused({ input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'a' }] }] })).toEqual([
      400,
      'input.0.content.0.type',
    ]);
  });
});

describe('/v1/rerank', () => {
  const query = 'a cat';
  const documents = ['a dog', 'a cat', 'the sea is blue'];

  it('ranks by a reranker, or by the similarity of vectors', async () => {
    const reranker = await pipeline('text-classification', fixture('embedding_decoders/rerank'), { engine });
    const ranked = await reranker.rank(query, documents);
    const { results } = (await answerOf('/v1/rerank', { model: 'reranker', query, documents })) as { results: object[] };
    expect(results).toEqual(
      ranked.map(({ corpus_id: index, score }) => ({ index, relevance_score: score, document: { text: documents[index] } })),
    );
    const best = await answerOf('/v1/rerank', {
      ...{ model: 'encoder', query, top_n: 1, return_documents: false },
      documents: documents.map((text) => ({ text })),
    });
    expect(best).toMatchObject({ results: [{ index: 1, relevance_score: expect.closeTo(1, 4) }] });
    const classes = await post(server, '/v1/rerank', { model: 'classifier', query, documents });
    expect(classes.status).toBe(400);
  });
});

describe('/classify', () => {
  it('gives all labels of each text, or the best', async () => {
    const classify = await pipeline('text-classification', tiny('classify'), { engine });
    const input = ['a cat', 'no'];
    const labels = await classify(input, { top_k: null });
    expect(await answerOf('/classify', { model: 'classifier', input })).toMatchObject({
      data: labels.map((found, index) => ({ index, labels: found })),
    });
    const { data } = (await answerOf('/classify', { model: 'classifier', input: 'a cat', top_k: 1 })) as { data: object[] };
    expect(data).toEqual([{ index: 0, labels: labels[0]?.slice(0, 1) }]);
  });
});

describe('/translate', () => {
  it('translates each text', async () => {
    const translate = await pipeline('translation', translator, { engine });
    const input = ['hello.', 'so do i.'];
    const found = await translate(input, { max_new_tokens: 6 });
    expect(await answerOf('/translate', { model: 'translator', input, max_new_tokens: 6 })).toMatchObject({
      data: found.map(({ translation_text: text }, index) => ({ index, text })),
    });
    const refused = await post(server, '/translate', { model: 'translator', input, tgt_lang: 'xx' });
    expect(await refused.json()).toMatchObject({ error: { param: 'tgt_lang' } });
  });
});

describe('/metrics and /openapi.json', () => {
  it('count requests and tokens, in lines that Prometheus reads', async () => {
    const own = await serve();
    await post(own, '/v1/chat/completions', {
      model: 'writer',
      temperature: 0,
      max_tokens: 5,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    await post(own, '/v1/chat/completions', {});
    await own.fetch(new Request('http://localhost/"a\\b'));
    const text = await (await own.fetch(new Request('http://localhost/metrics'))).text();
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(
        /^(# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))|\w+(\{\w+="([^"\\\n]|\\.)*"(,\w+="([^"\\\n]|\\.)*")*\})? [\d.e+-]+)$/,
      );
    for (const line of [
      'heed_requests_total{path="/v1/chat/completions",status="200"} 1',
      'heed_requests_total{path="/v1/chat/completions",status="400"} 1',
      'heed_requests_total{path="other",status="404"} 1',
      'heed_prompt_tokens_total{model="writer"} 7',
      'heed_completion_tokens_total{model="writer"} 5',
      'heed_first_token_seconds_count{model="writer"} 1',
      'heed_places_taken{model="writer"} 0',
      'heed_requests_running 1',
    ])
      expect(text.split('\n')).toContain(line);
    await own.close();
  });

  it('describe every path by the schema that checks it', async () => {
    const description = (await (await server.fetch(new Request('http://localhost/openapi.json'))).json()) as {
      paths: Record<
        string,
        Record<string, { requestBody?: { content: Record<string, { schema: { properties: object; additionalProperties: boolean } }> } }>
      >;
    };
    expect(Object.keys(description.paths)).toHaveLength(17);
    const schema = description.paths['/v1/chat/completions']?.post?.requestBody?.content['application/json']?.schema;
    expect(schema?.additionalProperties).toBe(false);
    expect(Object.keys(schema?.properties ?? {})).toEqual(expect.arrayContaining(['model', 'messages', 'tools', 'response_format']));
    expect(description.paths['/v1/audio/transcriptions']?.post?.requestBody?.content).toHaveProperty([
      'multipart/form-data',
      'schema',
      'properties',
      'file',
    ]);
  });
});
