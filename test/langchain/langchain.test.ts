/** Models of this process by LangChain's own chains, on tiny models. */
import { InMemoryCache } from '@langchain/core/caches';
import { AIMessage, type AIMessageChunk, HumanMessage, SystemMessage, type ToolMessage } from '@langchain/core/messages';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { tool } from '@langchain/core/tools';
import { createEngine, pipeline } from 'heed';
import { ChatHeed, HeedEmbeddings } from 'heed/langchain';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bertTiny, longWriter, toolWriter } from '../server/serving.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());
const writer = await pipeline('text-generation', toolWriter, { engine });
const chat = new ChatHeed({ pipeline: writer, temperature: 0, maxTokens: 12 });
const long = new ChatHeed({ pipeline: () => pipeline('text-generation', longWriter, { engine }) });

/** What the pipeline itself answers. */
async function answerOf(content: string, max_new_tokens: number): Promise<string> {
  const [answer] = await writer([{ role: 'user', content }], { max_new_tokens, do_sample: false });
  return answer?.generated_text.at(-1)?.content as string;
}

/** Tokens that a message counts. */
const usageOf = (message: { usage_metadata?: unknown } | undefined) => message?.usage_metadata as Record<string, unknown> | undefined;

const schema = z.object({ city: z.enum(['Bern', 'Rome']) });
const weather = tool(async ({ city }) => `rain in ${city}`, { name: 'weather', description: 'Tells it', schema });

describe('the chat model', () => {
  it('answers as its pipeline does, at once, in a chain and in a batch', async () => {
    const answer = await chat.invoke('Hello');
    expect(answer.text).toBe(await answerOf('Hello', 12));
    expect(answer.usage_metadata).toEqual({ input_tokens: 10, output_tokens: 12, total_tokens: 22 });
    expect(answer.response_metadata).toMatchObject({ finish_reason: 'length' });
    const chain = ChatPromptTemplate.fromTemplate('Say {what}').pipe(chat).pipe(new StringOutputParser());
    expect(await chain.invoke({ what: 'hi' })).toBe(await answerOf('Say hi', 12));
    const texts = await chain.batch([{ what: 'a' }, { what: 'b' }]);
    expect(texts).toEqual([await answerOf('Say a', 12), await answerOf('Say b', 12)]);
  });

  it('streams what it answers at once', async () => {
    const drawing = new ChatHeed({ pipeline: writer, temperature: 2, seed: 3, maxTokens: 80 });
    const told: string[] = [];
    let whole: AIMessageChunk | undefined;
    let count = 0;
    const callbacks = [{ handleLLMNewToken: (text: string) => void told.push(text) }];
    for await (const chunk of await drawing.stream('Hello', { callbacks })) {
      whole = whole?.concat(chunk) ?? chunk;
      count++;
    }
    expect(count).toBeGreaterThan(2);
    expect(whole?.text).toBe((await drawing.invoke('Hello')).text);
    expect(told.join('')).toBe(whole?.text);
    expect(usageOf(whole)).toMatchObject({ input_tokens: 10, output_tokens: 80, total_tokens: 90 });
  });

  it('takes settings of a call before its own', async () => {
    const { text } = await chat.invoke('Hello', { maxTokens: 4 });
    expect(text).toBe(await answerOf('Hello', 4));
    const all = await answerOf('Hello', 12);
    const stop = all.slice(4, 6);
    const stopped = await chat.invoke('Hello', { stop: [stop] });
    expect([stopped.text, stopped.response_metadata.finish_reason]).toEqual([all.slice(0, all.indexOf(stop)), 'stop']);
  });

  it('calls tools that are bound, and reads what they return', async () => {
    const caller = chat.bindTools([weather], { tool_choice: 'any', maxTokens: 200 });
    const answer = await caller.invoke('Hi');
    const [call] = answer.tool_calls ?? [];
    expect(call).toMatchObject({ id: 'call00000', name: 'weather', args: { city: expect.stringMatching(/^(Bern|Rome)$/) } });
    const result = (await weather.invoke(call as never)) as ToolMessage;
    expect(result.content).toBe(`rain in ${call?.args.city}`);
    const next = await caller.invoke([new HumanMessage('Hi'), answer, result]);
    expect(usageOf(next)?.input_tokens).toBe(
      `T:weather u:Hi a:<tool_call>[weather${call?.args.city} t:rain in ${call?.args.city} a:`.length,
    );
    expect(next.tool_calls).toMatchObject([{ id: 'call00001' }]);
    let whole: AIMessageChunk | undefined;
    for await (const chunk of await chat.bindTools([weather]).stream('Hi', { tool_choice: 'weather', maxTokens: 200 }))
      whole = whole?.concat(chunk) ?? chunk;
    expect(whole?.tool_calls).toEqual(answer.tool_calls);
    expect(whole?.text).toBe('');
  });

  it('answers with objects that fit a schema, by Zod or JSON Schema', async () => {
    const asked = new ChatHeed({ pipeline: writer, temperature: 0, maxTokens: 200 });
    const found = await asked.withStructuredOutput(schema).invoke('Hi');
    expect(schema.parse(found)).toEqual(found);
    expect(await asked.withStructuredOutput(z.toJSONSchema(schema)).invoke('Hi')).toEqual(found);
    const { raw, parsed } = await asked.withStructuredOutput(schema, { includeRaw: true }).invoke('Hi');
    expect([JSON.parse(raw.text), parsed]).toEqual([found, found]);
  });

  it('shares no cached answer with other settings, tools or pipelines, unless they have one name', async () => {
    const cache = new InMemoryCache();
    const made = (fields: object = {}) => new ChatHeed({ pipeline: writer, temperature: 0, maxTokens: 4, cache, ...fields });
    const lengthOf = async (model: { invoke(text: string): Promise<unknown> }) =>
      usageOf((await model.invoke('Hello')) as { usage_metadata?: unknown })?.output_tokens;
    expect([await lengthOf(made()), await lengthOf(made({ maxTokens: 9 }))]).toEqual([4, 9]);
    const other = made({ pipeline: () => pipeline('text-generation', longWriter, { engine }), temperature: 2 });
    expect(other.model).not.toBe(made().model);
    expect(made().model).toBe(made().model);
    // Nothing ends these texts early: two of forty drawn tokens each are not the same by chance.
    const config = new TextEncoder().encode(JSON.stringify({ eos_token_id: null }));
    const unending = await pipeline('text-generation', { ...toolWriter, 'generation_config.json': config }, { engine });
    const drawing = { pipeline: unending, temperature: 2, maxTokens: 40 };
    const drawn = async (fields: object) => (await made({ ...drawing, ...fields }).invoke('Hello')).text;
    expect(await drawn({ model: 'mine' })).toBe(await drawn({ model: 'mine' }));
    expect(await drawn({ model: 'mine' })).not.toBe(await drawn({ model: 'other' }));
    const named = (name: string) => tool(async () => name, { name, description: 'Tells it', schema });
    const calls = async (name: string) =>
      (
        await made({ maxTokens: 200 })
          .bindTools([named(name)], { tool_choice: 'any' })
          .invoke('Hi')
      ).tool_calls;
    expect(await calls('one')).toMatchObject([{ name: 'one' }]);
    expect(await calls('two')).toMatchObject([{ name: 'two' }]);
  });

  it('tells traces its name and settings, and counts tokens by its own tokenizer', async () => {
    const told: unknown[] = [];
    const handleChatModelStart = (...given: unknown[]) => void told.push((given[4] as { invocation_params: unknown }).invocation_params);
    await new ChatHeed({ pipeline: writer, model: 'tiny', maxTokens: 4 }).invoke('Hi', {
      temperature: 0,
      callbacks: [{ handleChatModelStart }],
    });
    expect(told).toMatchObject([{ model: 'tiny', maxTokens: 4, temperature: 0 }]);
    expect(JSON.stringify(told)).not.toContain('pipeline');
    expect(await chat.getNumTokens('Hello')).toBe(5);
    expect(await chat.getNumTokens([{ type: 'text', text: 'Hi' }])).toBe(2);
  });

  it('reads messages of all roles', async () => {
    const messages = [
      new SystemMessage('Be'),
      new HumanMessage([{ type: 'text', text: 'Hi' }]),
      new AIMessage('Oh'),
      new HumanMessage('So'),
    ];
    expect(usageOf(await chat.invoke(messages))?.input_tokens).toBe('s:Be u:Hi a:Oh u:So a:'.length);
    const picture = new HumanMessage([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }]);
    await expect(chat.invoke([picture])).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'messages' });
  });

  it('ends when it is aborted, or when its stream is left', async () => {
    const stop = new AbortController();
    const chunks: string[] = [];
    const running = (async () => {
      for await (const { text } of await long.stream('Hi', { signal: stop.signal, temperature: 2, seed: 1 })) {
        chunks.push(text);
        stop.abort(new Error('enough'));
      }
    })();
    await expect(running).rejects.toThrow();
    expect(chunks.length).toBeLessThan(100);
    for await (const { text } of await long.stream('Hi', { temperature: 2, seed: 1 })) if (text) break;
    expect(usageOf(await long.invoke('Hi', { maxTokens: 2 }))?.output_tokens).toBe(2);
  });

  it('says what it cannot do', async () => {
    const encoder = new ChatHeed({ pipeline: (() => pipeline('feature-extraction', bertTiny, { engine })) as never });
    await expect(encoder.invoke('Hi')).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'pipeline' });
    expect(() => new ChatHeed({ pipeline: 'a-name' as never })).toThrow(/The model pipeline is a-name/);
  });
});

describe('the embeddings', () => {
  it("are the pipeline's", async () => {
    const pipe = await pipeline('feature-extraction', bertTiny, { engine });
    const embeddings = new HeedEmbeddings({ pipeline: pipe });
    const texts = ['a cat', 'two dogs'];
    expect(await embeddings.embedDocuments(texts)).toEqual((await pipe.encode_document(texts)).tolist());
    expect([await embeddings.embedQuery('rain')]).toEqual((await pipe.encode_query(['rain'])).tolist());
    const short = new HeedEmbeddings({ pipeline: () => pipeline('feature-extraction', bertTiny, { engine }), dimensions: 8 });
    expect(await short.embedQuery('rain')).toHaveLength(8);
  });
});
