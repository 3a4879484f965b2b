/**
 * In deterministic mode a text's numbers have the same bits in every runtime, for every number of threads, alone or among others, padded or
 * not. A digest of them stands here for each model.
 */
import type { Engine, EngineOptions, HostTensor, Model } from 'heed';
import { assert, type Checks, type Env, type Heed, Missing } from './check.js';
import { Digest } from './fixtures.js';

/** Folder -> the digest of its embeddings. They change when kernels compute in another order, or texts become other tokens, and only then. */
const digests = {
  'fixtures/bert-tiny': '39424879',
  'shared/models/all-MiniLM-L6-v2': 'b5ba2470',
} as const;

const texts = ['a cat', 'The quick brown fox jumps over the lazy dog while it rains.', 'naïve café 東京 🙂 of 42 kittens!'];

/** One row [length, C] of a batch [B, T, C], without its padding. */
const rowOf = ({ data, dims }: HostTensor, row: number, length: number): Float32Array => {
  const [, T = 0, C = 0] = dims;
  return (data as Float32Array).subarray(row * T * C, (row * T + length) * C);
};

const same = (a: Float32Array, b: Float32Array): boolean => {
  const [x, y] = [a, b].map((z) => new Uint32Array(z.buffer, z.byteOffset, z.length)) as [Uint32Array, Uint32Array];
  return x.length === y.length && x.every((bits, i) => bits === y[i]);
};

/** Rows of ids as one batch, padded to a length. */
function batch(rows: readonly (readonly number[])[], T: number) {
  const positions = Array.from({ length: T }, (_, i) => i);
  return {
    input_ids: rows.map((row) => positions.map((i) => row[i] ?? 0)),
    attention_mask: rows.map((row) => positions.map((i) => Number(i < row.length))),
  };
}

/** Every row alone, and then with the others in batches of other sizes and paddings: all the same. Gives the rows. */
async function assertRowsAlike(model: Model, rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
  const alone: Float32Array[] = [];
  for (const row of rows) alone.push(rowOf((await model({ input_ids: [row] })).last_hidden_state, 0, row.length));
  const longest = Math.max(...rows.map((row) => row.length));
  for (const [what, members, T] of [
    ['three rows', [0, 1, 2], longest],
    ['three rows, padded further', [2, 0, 1], longest + 13],
    ['one row, padded', [0], longest],
  ] as const) {
    const chosen = members.map((i) => rows[i] as readonly number[]);
    const { last_hidden_state } = await model(batch(chosen, T));
    for (const [at, i] of members.entries()) {
      const row = alone[i] as Float32Array;
      assert(same(rowOf(last_hidden_state, at, rows[i]?.length ?? 0), row), `${what}: row ${i} has other bits than alone`);
    }
  }
  return alone;
}

async function digestOf({ AutoModel, AutoTokenizer, pipeline }: Heed, engine: Engine | EngineOptions, folder: string): Promise<string> {
  const digest = new Digest();
  const tokenizer = await AutoTokenizer.from_pretrained(folder);
  const model = await AutoModel.from_pretrained(folder, { engine });
  for (const row of await assertRowsAlike(
    model,
    texts.map((text) => tokenizer.encode(text)),
  ))
    digest.add(row);
  model.dispose();
  const extract = await pipeline('feature-extraction', folder, { engine });
  const together = (await extract(texts, { pooling: 'mean', normalize: true })).data as Float32Array;
  const C = together.length / texts.length;
  for (const [i, text] of texts.entries()) {
    const vector = together.subarray(i * C, (i + 1) * C);
    const alone = (await extract(text, { pooling: 'mean', normalize: true })).data as Float32Array;
    assert(same(alone, vector), `the embedding of ${text} has other bits alone than among others`);
    digest.add(vector);
  }
  extract.dispose();
  return digest.hex;
}

const check = (folder: keyof typeof digests, wide?: boolean) => async (heed: Heed, env: Env) => {
  if (!env.folders.includes(folder.split('/')[0] ?? '')) throw new Missing(`${folder} is not here`);
  for (const threads of env.threads ? [1, 2, 4] : [1]) {
    const options = { deterministic: true, wide, threads, inlineBelow: 0 };
    // What runs in a worker has an engine there.
    const engine = env.hosted ? undefined : await heed.createEngine(options);
    try {
      if (engine) assert(engine.info.threads === threads, `the engine has ${engine.info.threads} threads, because ${engine.info.reason}`);
      if (wide && engine) assert(engine.info.wide || engine.info.reason, 'no vectors of 256 bits, and no reason given');
      const digest = await digestOf(heed, engine ?? options, env.locate(folder));
      assert(digest === digests[folder], `with ${threads} threads, the digest is ${digest}, not ${digests[folder]}`);
    } finally {
      await engine?.dispose();
    }
  }
};

export const bitsChecks: Checks = {
  'the same bits for every number of threads, batch and padding': check('fixtures/bert-tiny'),
  'the same bits where vectors of 256 bits are asked for': check('fixtures/bert-tiny', true),
  'the same bits of MiniLM, its embeddings included': check('shared/models/all-MiniLM-L6-v2'),
};
