/** text-generation: what `generate` writes for each text or conversation, in transformers.js's shapes; SmolLM2 answers as heed's model does. */
import { readFileSync } from 'node:fs';
import { createEngine, type Message, type PerplexityOptions, pipeline, type TextGeneration, TextStreamer } from 'heed';
import { afterAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { Remote } from '../../dist/remote/client.js';
import type { Hosted } from '../../dist/remote/host.js';
import { failureOf } from '../io/memory.js';
import { host } from '../remote/host.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';
import { tinyWriter } from './tiny_writer.js';

const engine = await createEngine({ threads: 1, deterministic: true });
afterAll(() => engine.dispose());

const write = await pipeline('text-generation', tinyWriter, { engine });
const options = { max_new_tokens: 6 };

/** What the model writes behind a text. */
async function written(text: string, more: object = options): Promise<string[]> {
  const ids = write.tokenizer.encode(text);
  const rows = (await write.model.generate({ input_ids: [ids], ...more })).tolist() as number[][];
  return rows.map((row) => write.tokenizer.decode(row.slice(ids.length), { skip_special_tokens: true }));
}

describe('text-generation', () => {
  it('goes on from a text, and tells of the text or not', async () => {
    const [behind] = await written('Hello');
    expect(behind?.length).toBeGreaterThan(0);
    expect(await write('Hello', options)).toEqual([{ generated_text: `Hello${behind}` }]);
    expect(await write('Hello', { ...options, return_full_text: false })).toEqual([{ generated_text: behind }]);
  });

  it('gives a list for each of several texts, in order, each as it is alone', async () => {
    const texts = ['Hello', 'a', 'A longer one.', 'Hello', 'zz'];
    const all = await write(texts, { ...options, num_beams: 2 });
    for (const [i, text] of texts.entries()) expect(await write(text, { ...options, num_beams: 2 })).toEqual(all[i]);
    expect(await write([])).toEqual([]);
    const draws = { ...options, do_sample: true, num_return_sequences: 3, seed: 4 };
    expect(await write(['Hello', 'b'], draws)).toEqual([
      (await written('Hello', draws)).map((text) => ({ generated_text: `Hello${text}` })),
      (await written('b', draws)).map((text) => ({ generated_text: `b${text}` })),
    ]);
  });

  it('answers a conversation, and several', async () => {
    const chat: Message[] = [
      { role: 'system', content: 'Be.' },
      { role: 'user', content: 'Hi' },
    ];
    const [content] = await written('s:Be. u:Hi a:');
    const answered = [...chat, { role: 'assistant', content }];
    expect(await write(chat, options)).toEqual([{ generated_text: answered }]);
    const other = [{ role: 'user', content: 'No' }];
    expect(await write([chat, other], options)).toEqual([
      [{ generated_text: answered }],
      [{ generated_text: [...other, { role: 'assistant', content: (await written('u:No a:'))[0] }] }],
    ]);
    const [sad] = await write(other, { ...options, tokenizer_encode_kwargs: { mood: '(' } });
    expect(sad?.generated_text.at(-1)?.content).toBe((await written('u:No a:('))[0]);
    expectTypeOf((await write('x', options))[0]?.generated_text).toEqualTypeOf<string | undefined>();
  });

  it('goes on with the last message, which stays one, where that is to be continued', async () => {
    const chat: Message[] = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'He' },
    ];
    const [more] = await written('u:Hi a:He');
    const continued = { ...options, tokenizer_encode_kwargs: { continue_final_message: true } };
    expect(await write(chat, continued)).toEqual([{ generated_text: [chat[0], { role: 'assistant', content: `He${more}` }] }]);
    expect(chat.at(-1)?.content).toBe('He');
  });

  it('streams, one text after the other, and counts', async () => {
    const pieces: string[] = [];
    const counts: [number, number][] = [];
    const streamer = new TextStreamer(write.tokenizer, { callback_function: (text) => void pieces.push(text) });
    const texts = ['Hello', 'b'];
    const all = await write(texts, { ...options, streamer, onProgress: (done, total) => void counts.push([done, total]) });
    expect(pieces.join('')).toBe(
      all
        .flat()
        .map((one) => one.generated_text)
        .join(''),
    );
    expect(counts).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  it('works from a worker: texts, conversations and what is streamed cross', async () => {
    const { handle } = host({ pipeline: async () => write as unknown as Hosted });
    const remote = (await (await Remote.start(handle)).load('pipeline', ['text-generation'], {})) as unknown as TextGeneration;
    const chat = [{ role: 'user', content: 'No' }];
    expect(await remote(chat, options)).toEqual(await write(chat, options));
    const heard: number[][] = [];
    await remote('Hello', { ...options, streamer: { put: ([row]) => void heard.push(row as number[]), end: () => {} } });
    expect(heard).toHaveLength(1 + options.max_new_tokens);
  });

  it('ends all of its texts with an abort, and with the error of one, and leaves nothing behind', async () => {
    await write('Hello', { ...options, prefix_cache: 0 });
    const { used, storages } = engine.memory();
    const long = { max_new_tokens: 40, min_new_tokens: 40 };
    const abort = new AbortController();
    // Amid the tokens, however fast they come.
    const run = engine.run.bind(engine);
    const ran = vi.spyOn(engine, 'run').mockImplementation((...given) => {
      if (ran.mock.calls.length === 10) abort.abort(new Error('enough'));
      return run(...given) as never;
    });
    const given = write(['Hello', 'a', 'b'], { ...long, signal: abort.signal });
    await expect(given).rejects.toThrow('enough');
    ran.mockRestore();
    await expect(write('a', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    // 70 characters are more than it has positions.
    expect((await failureOf(() => write(['Hello', 'x'.repeat(70)], options))).code).toBe('ARGUMENT');
    await write('Hello', { ...options, prefix_cache: 0 });
    expect(engine.memory()).toMatchObject({ used, storages });
  });

  it('says where a text is longer than the model takes, and leaves out the oldest of it where that is asked for', async () => {
    const long = 'x'.repeat(70);
    const error = await failureOf(() => write(long, options));
    expect(error).toMatchObject({ code: 'ARGUMENT', culprit: 'max_new_tokens' });
    expect(error.message).toMatch(/76 tokens, 70 of them the text's.*up to 64.*context_shift: true/);
    expect((await failureOf(() => write(long, {}))).message).toMatch(/the text has 70 tokens, and the model takes 64/);
    const shifts = { ...options, context_shift: true };
    const [cut] = await write(`abcdefgh${'y'.repeat(62)}`, shifts);
    expect(cut?.generated_text).toBe(`abcdefgh${'y'.repeat(62)}${(await written(`abcd${'y'.repeat(54)}`))[0]}`);
    const say = (role: string, content: string) => ({ role, content });
    const chat = [say('system', 'Be.'), say('user', 'x'.repeat(40)), say('assistant', 'Oh'), say('user', 'y'.repeat(20)), say('user', 'z')];
    const [answered] = await write(chat, shifts);
    const content = (await written(`s:Be. u:${'y'.repeat(20)} u:z a:`))[0];
    expect(answered?.generated_text).toEqual([...chat, say('assistant', content as string)]);
    // The last turn is too long by itself.
    expect((await failureOf(() => write([say('user', long)], shifts))).code).toBe('ARGUMENT');
    expect((await failureOf(() => write('x', { context_shift: 1 } as never))).culprit).toBe('context_shift');
  });

  it.each([
    ['a number', 3, {}, 'ARGUMENT', 'texts'],
    ['a list of numbers', [3], {}, 'ARGUMENT', 'texts'],
    ['a message without a role', [{ role: 'user', content: 'x' }, { content: 'y' }], {}, 'ARGUMENT', 'texts'],
    ['an empty conversation', [[]], {}, 'ARGUMENT', 'texts'],
    ['a text of no tokens', '', {}, 'ARGUMENT', 'texts'],
    ['an option of the wrong kind', 'x', { return_full_text: 1 }, 'ARGUMENT', 'return_full_text'],
    ['an option that it does not have', 'x', { truncation: true }, 'UNSUPPORTED', 'truncation'],
    ['a value that cannot be', [], { num_beams: 0 }, 'ARGUMENT', 'num_beams'],
  ])('refuses %s', async (_, texts, more, code, culprit) => {
    expect(await failureOf(() => write(texts as never, more as never))).toMatchObject({ code, culprit });
  });
});

it.skipIf(!hasSmollm2)(
  'answers with SmolLM2',
  async () => {
    const answer = await pipeline('text-generation', smollm2, { engine });
    const chat = [{ role: 'user', content: 'Write one sentence about the sea.' }];
    const [[one], [two]] = (await Promise.all([
      answer(chat, { max_new_tokens: 10 }),
      answer('The capital of France is', { max_new_tokens: 2 }),
    ])) as [{ generated_text: Message[] }[], { generated_text: string }[]];
    expect(one?.generated_text).toEqual([...chat, { role: 'assistant', content: expect.stringMatching(/^The sea is a vast and /) }]);
    expect(two?.generated_text).toBe('The capital of France is Paris.');
    answer.dispose();
  },
  60_000,
);

describe('perplexity', () => {
  /** What PyTorch counts, in float64. */
  const { text, counts } = JSON.parse(readFileSync(new URL('../fixtures/causal/perplexity.json', import.meta.url), 'utf8'));
  const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const file = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const bos = { SpecialToken: { id: '<s>', type_id: 0 } };
  const a = { Sequence: { id: 'A', type_id: 0 } };
  const begins = {
    type: 'TemplateProcessing',
    single: [bos, a],
    pair: [bos, a, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
  };
  const files = (bos: boolean) => ({
    ...tinyWriter,
    'config.json': file({ ...json(tinyWriter['config.json']), max_position_embeddings: 512 }),
    'tokenizer.json': file({ ...json(tinyWriter['tokenizer.json']), ...(bos && { post_processor: begins }) }),
    'tokenizer_config.json': file({ ...json(tinyWriter['tokenizer_config.json']), bos_token: '<s>' }),
  });

  it.each(counts as { context: number; bos: boolean; perplexity: number; standard_error: number; tokens: number; chunks: number }[])(
    'is what PyTorch counts by chunks of $context, begun by a token: $bos',
    async ({ context, bos, perplexity, standard_error, tokens, chunks }) => {
      const model = await pipeline('text-generation', files(bos), { engine });
      const told: number[][] = [];
      const found = await model.perplexity(text, { context, onProgress: (...news) => told.push(news) });
      model.dispose();
      expect(found).toEqual({
        context,
        tokens,
        chunks,
        perplexity: expect.closeTo(perplexity, 2),
        standard_error: expect.closeTo(standard_error, 3),
      });
      expect(told).toHaveLength(chunks);
      expect(told.at(-1)).toEqual([chunks, chunks, found.perplexity]);
    },
  );

  it('is counted in a worker as it is here, and ends by a signal', async () => {
    const reason = new Error('enough');
    const stop = new AbortController();
    await expect(write.perplexity(text, { context: 16, signal: stop.signal, onProgress: () => stop.abort(reason) })).rejects.toBe(reason);
    const { handle } = host({ pipeline: async () => write as unknown as Hosted });
    const far = (await (await Remote.start(handle)).load('pipeline', ['text-generation'], {})) as unknown as TextGeneration;
    expect(await far.perplexity(text, { context: 16 })).toEqual(await write.perplexity(text, { context: 16 }));
  });

  it.each([
    ['The sea.', {}, /the text has 8 tokens, which is less than two chunks of 64/],
    [text, { context: 65 }, /context is 65/],
    [text, { context: 3 }, /context is 3/],
    [text, { stride: 3 }, /stride/],
    [[text], {}, /text/],
  ])('is refused: %#', async (given, options, message) => {
    expect(await failureOf(() => write.perplexity(given as string, options as PerplexityOptions))).toMatchObject({
      code: expect.stringMatching(/ARGUMENT|UNSUPPORTED/),
      message: expect.stringMatching(message),
    });
  });
});
