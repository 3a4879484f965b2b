/** One loop for all calls: what is written beside others is, bit by bit, what is written alone, however requests come, end, fail and are given up; and nothing is left behind. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, createEngine, type Engine, HeedError, type HostTensor } from 'heed';
import { afterAll, describe, expect, it, vi } from 'vitest';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

interface Told {
  sequences: HostTensor;
  logits?: HostTensor[];
  scores?: HostTensor[];
}
interface Writer {
  generate(options: object): Promise<unknown>;
  dispose(): void;
}

/** A call that tells of all it can. */
const tell = (model: Writer, options: object) =>
  model.generate({ ...options, return_dict_in_generate: true, output_logits: true, output_scores: true }) as Promise<Told>;
/** A call's tokens, and the bits of its scores. */
const bitsOf = ({ sequences, logits = [], scores = [] }: Told) => ({
  tokens: sequences.tolist(),
  bits: [...logits, ...scores].map(({ data }) => Buffer.from((data as Float32Array).slice().buffer).toString('base64')),
});
/** A streamer that calls `hear` with the number of tokens so far, those of the prompt not counted. */
const listener = (hear: (count: number) => void) => {
  let count = -1;
  return { put: () => hear(++count), end: () => {} };
};
const never = { eos_token_id: 96 };

const llama = (engine: Engine) => AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine });
/** The same with room for long texts. */
const long = (engine: Engine, config = {}) => {
  const own = JSON.parse(readFileSync(`${fixture('causal/llama')}/config.json`, 'utf8'));
  const text = JSON.stringify({ ...own, max_position_embeddings: 2048, ...config });
  const files = {
    'config.json': new TextEncoder().encode(text),
    'model.safetensors': readFileSync(`${fixture('causal/llama')}/model.safetensors`),
  };
  return AutoModelForCausalLM.from_pretrained(files, { engine });
};
const bart = (engine: Engine) => AutoModelForSeq2SeqLM.from_pretrained(fixture('hf/bart'), { engine });

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
    // Of three pieces of at most 512 tokens, two are followed by a token of the other.
    expect(between).toBe(2);
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
