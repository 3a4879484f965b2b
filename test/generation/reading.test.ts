/** Prompts read in pieces: others go on meanwhile, short ones come before the rest of long ones, a common beginning is read once, and bits are those of a call alone. */
import { createEngine } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bitsOf, listener, long, never, type Told, tell } from './calls.js';

describe('a loop', async () => {
  const engine = await createEngine({ threads: 1, deterministic: true });
  afterAll(() => engine.dispose());
  const model = await long(engine);
  const a = { input_ids: [[5, 9, 3, 7, 11, 8]], max_new_tokens: 24, ...never };
  const aloneA = bitsOf(await tell(model, a));
  const { used, storages } = engine.memory();
  const expectNothingLeft = () => expect(engine.memory()).toMatchObject({ used, storages });

  it('goes on with the others while a long prompt is read, a piece for a token', async () => {
    const input_ids = [Array.from({ length: 1400 }, (_, i) => (7 * i) % 90)];
    const d = { input_ids, max_new_tokens: 2, ...never };
    const alone = bitsOf(await tell(model, d));
    let heard = 0;
    let between = 0;
    let late: Promise<Told> | undefined;
    const streamer = listener((count) => {
      heard = count;
      if (count !== 2) return;
      const started = listener((n) => {
        if (n === 1) between = heard - count;
      });
      late = tell(model, { ...d, streamer: started });
    });
    expect(bitsOf(await tell(model, { ...a, streamer }))).toEqual(aloneA);
    expect(bitsOf((await late) as Told)).toEqual(alone);
    // Of 22 pieces of at most 64 tokens, all but the last are followed by a token of the other.
    expect(between).toBe(21);
    expectNothingLeft();
  });

  it('reads short prompts before the rest of a long one, which gets every second piece', async () => {
    const prompt = (length: number, from = 0) => [Array.from({ length }, (_, i) => (7 * i + from) % 90)];
    const first: string[] = [];
    const write = (name: string, length: number, from: number) =>
      model.generate({ input_ids: prompt(length, from), max_new_tokens: 1, streamer: listener((n) => n === 1 && first.push(name)) });
    const shorts = ['a', 'b', 'c', 'd'];
    await Promise.all([write('long', 4 * 64, 0), ...shorts.map((name, i) => write(name, 20 + i, 31 + i))]);
    // The first of the long one's four pieces is given up for those that came meanwhile.
    expect(first).toEqual(['a', 'b', 'c', 'd', 'long']);
    expectNothingLeft();
  });

  it('gives a piece of a long prompt up for a short one that comes meanwhile, and reads it again to its end', async () => {
    const input_ids = [Array.from({ length: 200 }, (_, i) => (7 * i) % 90)];
    const alone = bitsOf(await tell(model, { input_ids, max_new_tokens: 4, ...never }));
    const short = { input_ids: [[9, 8, 7]], max_new_tokens: 1 };
    const { decode } = model.module;
    const lengths: number[] = [];
    const shorts: Promise<unknown>[] = [];
    vi.spyOn(model.module, 'decode').mockImplementation(function* (...given) {
      const [, [, T]] = given;
      lengths.push(T);
      const steps = decode.apply(model.module, given);
      // Another one comes while each of the first pieces is computed, also in the second attempt.
      if (T > 3 && shorts.length < 3) {
        yield;
        shorts.push(model.generate(short));
      }
      return yield* steps;
    });
    const late = bitsOf(await tell(model, { input_ids, max_new_tokens: 4, ...never }));
    await Promise.all(shorts);
    vi.restoreAllMocks();
    expect(late).toEqual(alone);
    expect(lengths.filter((T) => T > 1).slice(0, 6)).toEqual([64, 3, 64, 3, 64, 3]);
    expectNothingLeft();
  });

  it('reads a beginning once that a text has in common with one that is being written', async () => {
    const input_ids = [Array.from({ length: 300 }, (_, i) => (7 * i) % 90)];
    const other = [[...(input_ids[0] as number[]).slice(0, 290), 5, 6]];
    const alone = bitsOf(await tell(model, { input_ids: other, max_new_tokens: 4, ...never }));
    const decode = vi.spyOn(model.module, 'decode');
    let late: Promise<Told> | undefined;
    const streamer = listener((count) => {
      if (count === 2) late = tell(model, { input_ids: other, max_new_tokens: 4, ...never });
    });
    await model.generate({ input_ids, max_new_tokens: 12, ...never, streamer });
    expect(bitsOf((await late) as Told)).toEqual(alone);
    // The tokens that were read for more than one row's next.
    const read = decode.mock.calls.map(([, [, T]]) => T).filter((T) => T > 1);
    expect(read.reduce((sum, T) => sum + T, 0)).toBe(300 + 2);
    vi.restoreAllMocks();
    expectNothingLeft();
  });

  it('reads in pieces what a forward reads as a whole, where positions depend on its length', async () => {
    const input_ids = [Array.from({ length: 700 }, (_, i) => (11 * i) % 90)];
    const factors = { short_factor: [1, 1, 1, 1], long_factor: [1, 2, 4, 8] };
    const parameters = { rope_type: 'longrope', rope_theta: 10000, original_max_position_embeddings: 600, ...factors };
    const scaled = await long(engine, { rope_parameters: parameters });
    const [{ logits }, told] = [await scaled({ input_ids }), await tell(scaled, { input_ids, max_new_tokens: 1 })];
    const want = (logits.data as Float32Array).slice(-97);
    expect(told.logits?.[0]?.data).toEqual(want);
    scaled.dispose();
  });
});
