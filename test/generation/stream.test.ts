/** Texts that are read as they are written: what the pieces add up to, and what becomes of a text whose reader leaves. */
import { readFileSync } from 'node:fs';
import { AutoModelForCausalLM, createEngine, type Message, pipeline, type TextGeneration, TextStreamer } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Remote } from '../../dist/remote/client.js';
import type { Hosted } from '../../dist/remote/host.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { tinyWriter } from '../pipelines/tiny_writer.js';
import { host } from '../remote/host.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());
const write = await pipeline('text-generation', tinyWriter, { engine });
const { model, tokenizer } = write;
const options = { max_new_tokens: 20 };
const [{ generated_text: text }] = (await write('Hello', { ...options, return_full_text: false })) as [{ generated_text: string }];

async function read(stream: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

describe('a stream', () => {
  it('is the new text, of a text or a conversation, in pieces', async () => {
    const pieces = await read(write.stream('Hello', options));
    expect(pieces.join('')).toBe(text);
    expect(pieces).not.toContain('');
    const heard: string[] = [];
    await write('Hello', { ...options, onText: (piece) => heard.push(piece) });
    expect(heard).toEqual(pieces);
    const chat: Message[] = [{ role: 'user', content: 'Hi' }];
    const [answer] = await write(chat, options);
    expect((await read(write.stream(chat, options))).join('')).toBe(answer?.generated_text.at(-1)?.content);
    expect((await read(model.stream({ ...tokenizer('Hello'), tokenizer, ...options }))).join('')).toBe(text);
  });

  it('gives pieces while the text is written, and ends before a stop string', async () => {
    let steps = 0;
    const logits_processor = () => void steps++;
    const seen: number[] = [];
    const spaced = { 3: 40 };
    for await (const _ of write.stream('Hello', { ...options, logits_processor, logit_bias: spaced })) seen.push(steps);
    expect(seen.length).toBeGreaterThan(10);
    expect(seen[0]).toBeLessThan(10);
    const stop = text.slice(4, 7);
    expect((await read(write.stream('Hello', { ...options, stop_strings: [stop] }))).join('')).toBe(text.slice(0, text.indexOf(stop)));
  });

  it('that is left ends the generation, and leaves nothing behind', async () => {
    await write('Hello', options);
    const { used, storages } = engine.memory();
    let steps = 0;
    const own = { max_new_tokens: 50, min_new_tokens: 50, logits_processor: () => void steps++, logit_bias: { 3: 40 } };
    for await (const piece of write.stream('Hello', own)) {
      expect(piece).toBe(' ');
      break;
    }
    await write('Hello', options);
    expect(steps).toBeLessThan(10);
    expect(engine.memory()).toMatchObject({ used, storages });
    // One that nobody reads does not begin.
    const unread = write.stream('Hello', own);
    await unread.return();
    expect(await unread.next()).toEqual({ done: true, value: undefined });
  });

  it('throws what goes wrong, and the reason of an abort', async () => {
    const fails = () => {
      throw new RangeError('mine');
    };
    await expect(read(write.stream('Hello', { ...options, logits_processor: fails }))).rejects.toThrow('mine');
    await expect(read(write.stream('Hello', { num_beams: 0 }))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'num_beams' });
    await expect(read(write.stream('Hello', { num_beams: 2 }))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'streamer' });
    await expect(read(write.stream(['a', 'b'] as never))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'texts' });
    await expect(read(write.stream('Hello', { signal: 5 as never }))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'signal' });
    const streamer = { put: () => {}, end: () => {} };
    await expect(read(model.stream({ ...tokenizer('a'), tokenizer, streamer }))).rejects.toMatchObject({ culprit: 'streamer' });
    await expect(write('a', { streamer, onText: () => {} })).rejects.toMatchObject({ culprit: 'onText' });
    await expect(read(model.stream({ input_ids: [[4]] }))).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'tokenizer' });
    const stop = new AbortController();
    const stopped = async () => {
      for await (const _ of write.stream('Hello', { ...options, signal: stop.signal, logit_bias: { 3: 40 } }))
        stop.abort(new Error('enough'));
    };
    await expect(stopped()).rejects.toThrow('enough');
    await expect(read(write.stream('Hello', { signal: AbortSignal.abort(new Error('before')) }))).rejects.toThrow('before');
  });

  it('comes out of a worker as well', async () => {
    const loaders = {
      pipeline: async () => (await pipeline('text-generation', tinyWriter, { engine })) as unknown as Hosted,
      model: async () => (await AutoModelForCausalLM.from_pretrained(tinyWriter, { engine })) as unknown as Hosted,
    };
    const remote = await Remote.start(host(loaders).handle);
    const there = (await remote.load('pipeline', [], {})) as unknown as TextGeneration;
    expect((await read(there.stream('Hello', options))).join('')).toBe(text);
    const far = (await remote.load('model', [], {})) as unknown as typeof model;
    expect((await read(far.stream({ ...tokenizer('Hello'), tokenizer, ...options }))).join('')).toBe(text);
    // Steps take their time, so that the end of the loop can overtake them.
    const own = engine.run.bind(engine);
    const run = vi.spyOn(engine, 'run').mockImplementation(async (...given) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return own(...given) as never;
    });
    for await (const _ of there.stream('Hello', { max_new_tokens: 50, min_new_tokens: 50, logit_bias: { 3: 40 } })) break;
    await there('Hello', { max_new_tokens: 1 });
    expect(run.mock.calls.length).toBeLessThan(30);
    run.mockRestore();
    const wrong = read(there.stream('Hello', { num_beams: 0 }));
    await expect(wrong).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'num_beams' });
  });
});

it('pieces are well-formed, though tokens are parts of characters, and add up to the text', () => {
  const { cases } = JSON.parse(readFileSync(new URL('../fixtures/bpe/expected.json', import.meta.url), 'utf8')) as {
    cases: { name: string; tokenizer: unknown }[];
  };
  const own = Tokenizer.from({ tokenizer: cases.find(({ name }) => name === 'ByteLevel')?.tokenizer });
  const text = 'é🜁 🜁🜁x 你好 𠮷野 𝔘𝔫 ñ.';
  const ids = own.encode(text);
  for (const stops of [[], ['🜁y'], ['好 𠮷', '🜁🜁x 你z'], ['\ud83d\udf01!']]) {
    const pieces: string[] = [];
    const streamer = new TextStreamer(own, { skip_prompt: true, callback_function: (piece) => pieces.push(piece) });
    streamer.stopsAt(stops);
    streamer.put([[]]);
    for (const id of ids) streamer.put([[id]]);
    streamer.end();
    expect(pieces.join('')).toBe(own.decode(ids));
    expect(pieces.filter((piece) => piece === '' || /[\ud800-\udbff]$|^[\udc00-\udfff]|\ufffd/.test(piece))).toEqual([]);
    expect(pieces.length).toBeGreaterThan(4);
  }
});
