/** Language models of this process by the AI SDK's own functions, on tiny models. */
import { createProviderRegistry, generateObject, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { createEngine, pipeline } from 'heed';
import { createHeed } from 'heed/ai';
import { afterAll, describe, expect, it } from 'vitest';
import { bertTiny, longWriter, toolWriter } from '../server/serving.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const writer = await pipeline('text-generation', toolWriter, { engine });
const heed = createHeed({
  chat: writer,
  long: pipeline('text-generation', longWriter, { engine }),
  embed: () => pipeline('feature-extraction', bertTiny, { engine }),
  lost: () => pipeline('text-generation', '/nowhere/at-all', { engine }),
});

/** A language model that is told to think. */
const thinkingWriter = {
  ...toolWriter,
  'tokenizer_config.json': new TextEncoder().encode(
    JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(toolWriter['tokenizer_config.json'])),
      chat_template: "{% for m in messages %}{{ m.role[0] + ':' + m.content + ' ' }}{% endfor %}a:{{ 'think' if enable_thinking }}",
    }),
  ),
};

const greedy = { temperature: 0, maxOutputTokens: 200 };
const place = {
  type: 'object' as const,
  properties: { city: { enum: ['Bern', 'Rome'] } },
  required: ['city'],
  additionalProperties: false,
};
const city = jsonSchema<{ city: string }>(place as never);
const weather = tool({ description: 'Tells it', inputSchema: city, execute: async ({ city }) => `rain in ${city}` });

/** What the pipeline itself answers. */
async function answerOf(content: string, max_new_tokens: number): Promise<string> {
  const [answer] = await writer([{ role: 'user', content }], { max_new_tokens, do_sample: false });
  return answer?.generated_text.at(-1)?.content as string;
}

describe('the language model', () => {
  it('answers as its pipeline does, at once and as a stream', async () => {
    const asked = { model: heed('chat'), prompt: 'Hello', temperature: 0, maxOutputTokens: 12 };
    const expected = await answerOf('Hello', 12);
    const { text, finishReason, usage, response } = await generateText(asked);
    expect([text, finishReason]).toEqual([expected, 'length']);
    expect([usage.inputTokens, usage.outputTokens, response.modelId]).toEqual(['u:Hello a:'.length, 12, 'chat']);
    // What is drawn has spaces, at which pieces end.
    const drawn = { ...asked, temperature: 2, seed: 3, maxOutputTokens: 80 };
    const stream = streamText(drawn);
    const pieces: string[] = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe((await generateText(drawn)).text);
    expect([await stream.finishReason, (await stream.usage).totalTokens]).toEqual(['length', 'u:Hello a:'.length + 80]);
  });

  it('draws equal texts by equal seeds, and stops where it is told', async () => {
    const asked = { model: heed('chat'), prompt: 'Hello', temperature: 1.5, topP: 0.95, topK: 40, maxOutputTokens: 16 };
    const drawn = async (seed: number) => (await generateText({ ...asked, seed })).text;
    expect(await drawn(1)).toBe(await drawn(1));
    expect(await drawn(1)).not.toBe(await drawn(2));
    const all = await answerOf('Hello', 12);
    const stop = all.slice(4, 6);
    const { text, finishReason } = await generateText({ ...asked, temperature: 0, maxOutputTokens: 12, stopSequences: [stop] });
    expect([text, finishReason]).toEqual([all.slice(0, all.indexOf(stop)), 'stop']);
  });

  it('calls tools, and goes on with what they return', async () => {
    const { steps } = await generateText({
      ...{ model: heed('chat'), prompt: 'Hi', ...greedy, tools: { weather } },
      stopWhen: stepCountIs(2),
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
    });
    const [first, second] = steps;
    expect(first).toMatchObject({ finishReason: 'tool-calls', text: '' });
    const [call] = first?.toolCalls ?? [];
    expect(call).toMatchObject({ toolCallId: 'call00000', toolName: 'weather', input: { city: expect.stringMatching(/^(Bern|Rome)$/) } });
    const town = (call?.input as { city: string } | undefined)?.city;
    expect(first?.toolResults).toMatchObject([{ output: `rain in ${town}` }]);
    expect(second?.usage.inputTokens).toBe(`u:Hi a:<tool_call>[weather${town} t:rain in ${town} a:`.length);
  });

  it('streams calls of a function by its name', async () => {
    const stream = streamText({
      ...{ model: heed('chat'), prompt: 'Hi', ...greedy, tools: { weather, time: weather } },
      toolChoice: { type: 'tool', toolName: 'time' },
    });
    const types: string[] = [];
    for await (const { type } of stream.fullStream) types.push(type);
    expect(types).toEqual(expect.arrayContaining(['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'tool-result']));
    expect(types.filter((type) => type.startsWith('text'))).toEqual([]);
    expect(await stream.toolCalls).toMatchObject([{ toolName: 'time' }]);
    expect(await stream.finishReason).toBe('tool-calls');
  });

  it('answers with objects that fit a schema', async () => {
    const asked = { model: heed('chat'), prompt: 'Hi', ...greedy };
    const { object } = await generateObject({ ...asked, schema: city });
    expect(['Bern', 'Rome']).toContain(object.city);
    const { output } = await generateText({ ...asked, output: Output.object({ schema: city }) });
    expect(output).toEqual(object);
    const { output: one } = await generateText({ ...asked, output: Output.choice({ options: ['yes', 'no'] }) });
    expect(['yes', 'no']).toContain(one);
  });

  it('decides between a call and an object where there are both', async () => {
    const asked = { model: heed('chat'), prompt: 'Hi', ...greedy, tools: { weather }, output: Output.object({ schema: city }) };
    const biased = (bias: number) => ({ providerOptions: { heed: { logit_bias: { [3 + '<'.charCodeAt(0) - 32]: bias } } } });
    const called = await generateText({ ...asked, ...biased(100) });
    expect(called.toolCalls).toMatchObject([{ toolName: 'weather', input: { city: expect.stringMatching(/^(Bern|Rome)$/) } }]);
    const said = await generateText({ ...asked, ...biased(-100) });
    expect(said.toolCalls).toEqual([]);
    expect(['Bern', 'Rome']).toContain(said.output.city);
  });

  it('warns of what it does not heed', async () => {
    const asked = { prompt: 'Hi', temperature: 0, maxOutputTokens: 4 };
    const warningsOf = async (more: object) => (await generateText({ ...asked, model: heed('chat'), ...more })).warnings;
    expect(await warningsOf({})).toEqual([]);
    expect(await warningsOf({ reasoning: 'high' })).toMatchObject([{ type: 'unsupported', feature: 'reasoning' }]);
    expect(await warningsOf({ tools: { weather: { ...weather, strict: true } } })).toMatchObject([
      { type: 'unsupported', feature: 'strict of the tool weather' },
    ]);
    const thinker = await pipeline('text-generation', thinkingWriter, { engine });
    const thought = async (reasoning: 'none' | 'low') => generateText({ ...asked, model: createHeed({ thinker })('thinker'), reasoning });
    const [none, low] = [await thought('none'), await thought('low')];
    expect([none.warnings, none.usage.inputTokens]).toEqual([[], 'u:Hi a:'.length]);
    expect([low.warnings, low.usage.inputTokens]).toMatchObject([[{ type: 'compatibility', feature: 'reasoning' }], 'u:Hi a:think'.length]);
  });

  it('ends within a token when it is aborted, or when its stream is left', async () => {
    const endless = { model: heed('long'), prompt: 'Hi', maxOutputTokens: 15_000, providerOptions: { heed: { logit_bias: { 2: -100 } } } };
    const stop = new AbortController();
    const stream = streamText({ ...endless, abortSignal: stop.signal });
    const parts: string[] = [];
    for await (const part of stream.fullStream) {
      parts.push(part.type);
      if (part.type === 'text-delta') stop.abort();
    }
    expect(parts.at(-1)).toBe('abort');
    expect(parts.filter((type) => type === 'text-delta').length).toBeLessThan(100);
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(generateText({ ...endless, abortSignal: aborted })).rejects.toThrow('enough');
    const { stream: left } = await heed('long').doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
      providerOptions: endless.providerOptions,
    });
    await left.cancel();
    // A loop with a text that nobody reads would be busy for a minute.
    expect((await generateText({ model: heed('long'), prompt: 'Hi', maxOutputTokens: 2 })).usage.outputTokens).toBe(2);
  });

  it('is found by a registry, and says what it cannot do', async () => {
    const registry = createProviderRegistry({ heed });
    expect(
      await generateText({ model: registry.languageModel('heed:chat'), prompt: 'Hello', temperature: 0, maxOutputTokens: 4 }),
    ).toMatchObject({
      text: await answerOf('Hello', 4),
    });
    const asked = { prompt: 'Hello', maxRetries: 0 };
    await expect(generateText({ ...asked, model: heed.languageModel('embed') })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'embed',
    });
    await expect(generateText({ ...asked, model: heed('lost') })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(generateText({ ...asked, model: heed('chat'), providerOptions: { heed: { top_z: 1 } } })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
    const picture = { type: 'file' as const, data: new Uint8Array([1]), mediaType: 'image/png' };
    const looked = generateText({
      ...asked,
      prompt: undefined as never,
      model: heed('chat'),
      messages: [{ role: 'user', content: [picture] }],
    });
    await expect(looked).rejects.toMatchObject({ code: 'UNSUPPORTED', culprit: 'prompt' });
    expect(() => heed('none' as 'chat')).toThrow(/There is no model "none". createHeed was given chat, long/);
    expect(() => createHeed({ chat: 7 as never })).toThrow(/The model chat is 7/);
    expect(() => heed.imageModel('any')).toThrow(/draws no pictures/);
  });

  it('reports what is wrong once it streams, by the stream', async () => {
    const errors: unknown[] = [];
    const stream = streamText({
      model: heed('chat'),
      prompt: 'Hi',
      maxOutputTokens: 10_000_000,
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    await stream.consumeStream();
    expect(errors).toMatchObject([{ code: 'ARGUMENT' }]);
  });
});
