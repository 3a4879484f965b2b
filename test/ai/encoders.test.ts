/** Models of this process that write no text, by the AI SDK's own functions: vectors, rankings, transcriptions. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { embed, embedMany, rerank, transcribe } from 'ai';
import { cos_sim, createEngine, pipeline } from 'heed';
import { createHeed } from 'heed/ai';
import { afterAll, describe, expect, it } from 'vitest';
import { wavOf } from '../audio/sounds.js';
import { bertTiny } from '../server/serving.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const ctc = fixture('ctc/group');
const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

let loads = 0;
const heed = createHeed({
  embed() {
    loads++;
    return pipeline('feature-extraction', bertTiny, { engine });
  },
  rank: () => pipeline('text-classification', fixture('embedding_decoders/rerank'), { engine }),
  classify: () => pipeline('text-classification', fixture('pipelines/classify'), { engine }),
  hear: () => pipeline('automatic-speech-recognition', ctc, { engine }),
});

describe('the embedding model', () => {
  const model = heed.embeddingModel('embed');

  it("gives the pipeline's vectors, loaded once", async () => {
    const pipe = await pipeline('feature-extraction', bertTiny, { engine });
    const values = ['a cat', 'two dogs', 'rain'];
    const { embeddings, usage } = await embedMany({ model, values });
    expect(embeddings).toEqual((await pipe.encode(values)).tolist());
    expect(usage.tokens).toBe(values.reduce((sum, text) => sum + pipe.tokenizer.encode(text).length, 0));
    const { embedding } = await embed({ model, value: 'rain' });
    expect(cos_sim(embedding, embeddings[2] as number[])).toBeCloseTo(1, 5);
    expect(loads).toBe(1);
  });

  it('cuts vectors, and refuses a prompt that the model does not have', async () => {
    const { embeddings } = await model.doEmbed({ values: ['a cat'], dimensions: 8 });
    expect(embeddings[0]).toHaveLength(8);
    const asked = embed({ model, value: 'a', maxRetries: 0, providerOptions: { heed: { prompt_name: 'none' } } });
    await expect(asked).rejects.toMatchObject({ code: 'ARGUMENT' });
  });
});

describe('the reranking model', () => {
  const documents = ['a dog runs', 'the rain falls', 'a cat sleeps'];

  it('ranks by a reranker, or by the similarity of vectors', async () => {
    const pipe = await pipeline('text-classification', fixture('embedding_decoders/rerank'), { engine });
    const best = await pipe.rank('a cat', documents);
    const { ranking } = await rerank({ model: heed.rerankingModel('rank'), query: 'a cat', documents });
    expect(ranking.map(({ originalIndex, score }) => [originalIndex, score])).toEqual(
      best.map(({ corpus_id, score }) => [corpus_id, score]),
    );
    const near = await rerank({ model: heed.rerankingModel('embed'), query: 'the rain falls', documents, topN: 2 });
    expect(near.rerankedDocuments).toHaveLength(2);
    expect(near.ranking[0]).toMatchObject({ originalIndex: 1, document: 'the rain falls' });
  });

  it('reads objects as JSON, and refuses a classifier of several labels', async () => {
    const objects = documents.map((text) => ({ text }));
    const { ranking } = await rerank({ model: heed.rerankingModel('embed'), query: '{"text":"a cat sleeps"}', documents: objects });
    expect(ranking[0]).toMatchObject({ originalIndex: 2, document: { text: 'a cat sleeps' } });
    const unknown = { providerOptions: { heed: { top_z: 1 } }, maxRetries: 0 };
    await expect(rerank({ model: heed.rerankingModel('embed'), query: 'a', documents, ...unknown })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    const asked = rerank({ model: heed.rerankingModel('classify'), query: 'a', documents, maxRetries: 0 });
    await expect(asked).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('the transcription model', () => {
  const told = JSON.parse(readFileSync(`${ctc}/told.json`, 'utf8')) as {
    samples: number[];
    word: { text: string; chunks: { text: string; timestamp: [number, number] }[] };
  };
  const audio = wavOf(Float32Array.from(told.samples));

  it('writes down what is said, with times', async () => {
    const { text, segments, durationInSeconds } = await transcribe({ model: heed.transcriptionModel('hear'), audio });
    expect(text).toBe(told.word.text.trim());
    expect(durationInSeconds).toBeCloseTo(told.samples.length / 16_000, 6);
    expect(segments).toEqual(
      told.word.chunks.map(({ text, timestamp: [startSecond, endSecond] }) => ({ text: text.trim(), startSecond, endSecond })),
    );
    const base64 = Buffer.from(audio).toString('base64');
    const { words } = await heed
      .transcriptionModel('hear')
      .doGenerate({ audio: base64, mediaType: 'audio/wav', timestampGranularities: ['word'] });
    expect(words).toEqual(segments);
  });

  it('says what is wrong with a sound', async () => {
    const asked = transcribe({ model: heed.transcriptionModel('hear'), audio: new Uint8Array([1, 2, 3]), maxRetries: 0 });
    await expect(asked).rejects.toMatchObject({ name: 'HeedError' });
  });
});
