/** One loop for all calls: what is written beside others is, bit by bit, what is written alone, however requests come, end, fail and are given up; and nothing is left behind. */
import { AutoModel, createEngine, HeedError, type HostTensor } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bart, bitsOf, fixture, listener, llama, long, never, type Told, tell, type Writer } from './calls.js';

const requests = [
  { input_ids: [[5, 9, 3, 7, 11, 8]], max_new_tokens: 12 },
  { input_ids: [[4]], max_new_tokens: 5 },
  { input_ids: [[6, 2, 9]], max_new_tokens: 9, num_beams: 4, num_return_sequences: 2 },
  { input_ids: [[8, 8, 3, 12]], max_new_tokens: 8, do_sample: true, num_return_sequences: 3, seed: 7 },
  {
    input_ids: [
      [7, 6, 5, 4],
      [9, 10, 0, 0],
    ],
    attention_mask: [
      [1, 1, 1, 1],
      [1, 1, 0, 0],
    ],
    max_new_tokens: 7,
    repetition_penalty: 1.3,
  },
];

describe.each([
  ['a language model', llama, 1],
  ['a language model', llama, 2],
  ['an encoder-decoder', bart, 1],
  ['an encoder-decoder', bart, 2],
] as const)('%s', (_, load, threads) => {
  it(`writes for several calls at once what it writes for each alone, with ${threads} threads`, async () => {
    const engine = await createEngine({ threads, deterministic: true, inlineBelow: 0 });
    const model: Writer = await load(engine);
    const alone = [];
    for (const request of requests) alone.push(bitsOf(await tell(model, request)));
    const { used, storages } = engine.memory();
    const together = await Promise.all(requests.map((request) => tell(model, request)));
    expect(together.map(bitsOf)).toEqual(alone);
    // Without being told of, rows that have ended leave their request's others.
    const sequences = (await Promise.all(requests.map((request) => model.generate(request)))) as HostTensor[];
    expect(sequences.map((x) => x.tolist())).toEqual(alone.map(({ tokens }) => tokens));
    expect(engine.memory()).toMatchObject({ used, storages });
    model.dispose();
    await engine.dispose();
  });
});

describe('a loop', async () => {
  const engine = await createEngine({ threads: 1, deterministic: true });
  afterAll(() => engine.dispose());
  const model = await long(engine);
  const a = { input_ids: [[5, 9, 3, 7, 11, 8]], max_new_tokens: 24, ...never };
  const b = { input_ids: [[4, 4]], max_new_tokens: 5, ...never };
  const c = { input_ids: [[6, 2, 9]], max_new_tokens: 6, num_beams: 3, ...never };
  const [aloneA, aloneB, aloneC] = [bitsOf(await tell(model, a)), bitsOf(await tell(model, b)), bitsOf(await tell(model, c))];
  const { used, storages } = engine.memory();
  const expectNothingLeft = () => expect(engine.memory()).toMatchObject({ used, storages });

  it('lets requests in and out between tokens', async () => {
    const ends: string[] = [];
    const others: Promise<Told>[] = [];
    const ask = (name: string, request: object) => {
      const told = tell(model, request);
      others.push(told);
      void told.then(() => ends.push(name));
      return told;
    };
    const streamer = listener((count) => {
      if (count === 3) void ask('b', b).then(() => ask('c', c));
      if (count === 5) void ask('c beside b', c);
    });
    const told = await tell(model, { ...a, streamer });
    ends.push('a');
    expect(ends).toEqual(['b', 'c beside b', 'c', 'a']);
    expect(bitsOf(told)).toEqual(aloneA);
    expect((await Promise.all(others)).map(bitsOf)).toEqual([aloneB, aloneC, aloneC]);
    expectNothingLeft();
  });

  it.each([0, 1, 4])('gives up a request at its token %i, and the others do not notice', async (at) => {
    const abort = new AbortController();
    const streamer = listener((count) => count === at && abort.abort(new Error('enough')));
    const [first, given, last] = await Promise.allSettled([
      tell(model, a),
      tell(model, { ...b, streamer, signal: abort.signal }),
      tell(model, c),
    ]);
    expect(given).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    expect([first, last].map((one) => one.status === 'fulfilled' && bitsOf(one.value))).toEqual([aloneA, aloneC]);
    expectNothingLeft();
  });

  it('gives up a request that waits, and one whose prompt is being read', async () => {
    const input_ids = [Array.from({ length: 1400 }, (_, i) => i % 90)];
    const [reading, waiting] = [new AbortController(), new AbortController()];
    const streamer = listener((count) => {
      if (count === 3) reading.abort(new Error('no more'));
      if (count === 1) waiting.abort(new Error('never'));
    });
    const results = await Promise.allSettled([
      tell(model, { ...a, streamer }),
      model.generate({ input_ids, signal: reading.signal }),
      model.generate({ ...b, signal: waiting.signal }),
      model.generate({ ...b, signal: AbortSignal.abort(new Error('before')) }),
      tell(model, c),
    ]);
    expect(results.map((one) => (one.status === 'fulfilled' ? bitsOf(one.value as Told) : one.reason.message))).toEqual([
      aloneA,
      'no more',
      'never',
      'before',
      aloneC,
    ]);
    expectNothingLeft();
  });

  it.each([
    ['the prompt', 0],
    ['the first token', 1],
    ['a later token', 4],
    ['the end', 6],
  ])('rejects for the error of a streamer, at %s, the request that it listens to', async (_, at) => {
    let count = 0;
    const hear = () => {
      if (count++ === at) throw new Error('deaf');
    };
    const [first, deaf, last] = await Promise.allSettled([
      tell(model, a),
      model.generate({ ...b, streamer: { put: hear, end: hear } }),
      tell(model, c),
    ]);
    expect(deaf).toMatchObject({ status: 'rejected', reason: { message: 'deaf' } });
    expect([first, last].map((one) => one.status === 'fulfilled' && bitsOf(one.value))).toEqual([aloneA, aloneC]);
    expectNothingLeft();
  });

  it('rejects a request that no token can follow alone', async () => {
    const suppress_tokens = Array.from({ length: 97 }, (_, i) => i);
    const [first, none] = await Promise.allSettled([tell(model, a), model.generate({ ...b, suppress_tokens })]);
    expect(none).toMatchObject({ status: 'rejected', reason: { code: 'NUMERIC' } });
    expect(first.status === 'fulfilled' && bitsOf(first.value)).toEqual(aloneA);
    expectNothingLeft();
  });

  it('holds the engine for no longer than a step', async () => {
    const encoder = await AutoModel.from_pretrained(fixture('hf/bert'), { engine });
    const ends: string[] = [];
    let forward: Promise<unknown> | undefined;
    const streamer = listener((count) => {
      if (count === 2) forward = encoder({ input_ids: [[5, 6, 7]] }).then(() => ends.push('encoder'));
    });
    await model.generate({ ...a, streamer });
    ends.push('text');
    await forward;
    expect(ends).toEqual(['encoder', 'text']);
    encoder.dispose();
    expectNothingLeft();
  });

  it('rejects all that it writes where the model is disposed of meanwhile, and frees it', async () => {
    const other = await long(engine);
    const streamer = listener((count) => count === 3 && other.dispose());
    const input_ids = [Array.from({ length: 1400 }, () => 3)];
    const results = await Promise.allSettled([
      other.generate({ ...a, streamer }),
      other.generate(c),
      other.generate({ input_ids }),
      other.generate(b),
    ]);
    for (const one of results) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'ARGUMENT', culprit: 'model' } });
    expectNothingLeft();
  });

  it('rejects all that it writes where the engine is disposed of meanwhile', async () => {
    const other = await createEngine({ threads: 1 });
    const model = await llama(other);
    const streamer = listener((count) => count === 3 && void other.dispose());
    const results = await Promise.allSettled([model.generate({ ...a, streamer }), model.generate(c), model.generate(b)]);
    for (const one of results) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'ENGINE_LOST' } });
  });

  it.each([
    ['writes', { ...c, max_new_tokens: 20 }, 1],
    ['is being read', { input_ids: [Array.from({ length: 1400 }, (_, i) => i % 90)], max_new_tokens: 20 }, 4],
  ])(
    'rejects the last request alone, which %s, where memory does not hold the step, whatever the step has come to',
    async (_, last, by) => {
      const { heap } = engine;
      const allocate = heap.allocate.bind(heap);
      let failed = 0;
      // Of all that is allocated between two tokens, of which replayed steps take little, one block after the other is refused, until there is none left to refuse.
      for (let nth = 0; failed * by === nth; nth += by) {
        let rest = nth;
        const streamer = listener((count) => {
          vi.restoreAllMocks();
          if (count !== 3) return;
          vi.spyOn(heap, 'allocate').mockImplementation((bytes) => {
            if (rest-- !== 0) return allocate(bytes);
            failed++;
            throw new HeedError('MEMORY', 'full', { culprit: 'memory' });
          });
        });
        const [first, other] = await Promise.allSettled([tell(model, { ...a, streamer }), tell(model, last)]);
        expect(first.status === 'fulfilled' && bitsOf(first.value)).toEqual(aloneA);
        if (rest < 0) expect(other).toMatchObject({ status: 'rejected', reason: { code: 'MEMORY' } });
        expectNothingLeft();
      }
      expect(failed).toBeGreaterThan(5);
    },
  );
});
