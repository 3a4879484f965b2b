/** BERT's forward: equal to PyTorch's on the fixture, to a float64 oracle for any size and any mask, by every way of loading it. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, createEngine } from '../../dist/entry/node.js';
import type { Model } from '../../dist/models/model.js';
import type { HostTensor } from '../../dist/tensor.js';
import { Random } from '../cases/random.js';
import fc from '../draws.js';
import {
  bertFiles,
  modelOver,
  numbersOf,
  randomBert,
  tinyConfig,
  tinyExpected,
  tinyPath,
  tinyWeights,
  type Weight,
  type Weights,
  weightOf,
} from './files.js';
import { activationNames, forward } from './oracle.js';

const expected = tinyExpected();
const B = 3;
const T = 11;
const ints = (name: string) => new Int32Array((expected[name] as Weight).bytes.slice().buffer);
const inputs = {
  input_ids: { data: ints('input_ids'), dims: [B, T] },
  attention_mask: { data: ints('attention_mask'), dims: [B, T] },
};

/** The largest difference. */
function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  return Array.from(got).reduce((most, x, i) => {
    const apart = Math.abs(x - (want[i] as number));
    return apart <= most ? most : apart; // NaN stays
  }, 0);
}

/** Everything that the fixture has, against PyTorch. */
async function expectFixture(model: Model, tolerance = 1e-4): Promise<void> {
  const out = await model(inputs, { output_hidden_states: true, output_attentions: true });
  const near = (got: HostTensor | undefined, name: string) => {
    expect(got?.dims, name).toEqual(expected[name]?.shape);
    expect(distance(got?.data as Float32Array, numbersOf(expected[name] as Weight)), name).toBeLessThan(tolerance);
  };
  near(out.last_hidden_state, 'last_hidden_state');
  near(out.pooler_output, 'pooler_output');
  expect([out.hidden_states?.length, out.attentions?.length]).toEqual([3, 2]);
  out.hidden_states?.forEach((x, i) => void near(x, `hidden.${i}`));
  out.attentions?.forEach((x, i) => void near(x, `attn.${i}`));
}

describe('the fixture', () => {
  it.each([1, 2, 4])('equals PyTorch: hidden states, attentions, pooler (%i threads)', async (threads) => {
    for (const deterministic of [true, false]) {
      const engine = await createEngine({ threads, deterministic, inlineBelow: 0 });
      const model = await AutoModel.from_pretrained(tinyPath, { engine });
      await expectFixture(model);
      expect((await model(inputs)).last_hidden_state.dims).toEqual([B, T, 32]);
      expect(Object.keys(await model(inputs)).sort()).toEqual(['last_hidden_state', 'pooler_output']);
      await engine.dispose();
    }
  });

  it('equals PyTorch when its memory lies above 2 GiB', async () => {
    const engine = await createEngine({ threads: 2, inlineBelow: 0 });
    if (engine.heap.maximum < 2 ** 32) return engine.dispose(); // this runtime gives less
    const below = engine.allocate(2 ** 31);
    const model = await AutoModel.from_pretrained(tinyPath, { engine });
    const [, parameter] = [...model.encoder.namedParameters()].find(([, { packed }]) => !packed) ?? [];
    expect(parameter?.tensor.ptr).toBeGreaterThan(2 ** 31);
    await expectFixture(model);
    below.free();
    await engine.dispose();
  });

  describe('over HTTP', () => {
    let server: Server;
    let url: string;
    const asked: string[] = [];
    beforeAll(async () => {
      server = createServer(async (request, response) => {
        const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
        asked.push(pathname + search);
        const body = await readFile(join(tinyPath, normalize(pathname))).catch(() => undefined);
        response.writeHead(body ? 200 : 404).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => void server.close());

    it('equals PyTorch, and a query string stays', async () => {
      const engine = await createEngine({ threads: 1 });
      await expectFixture(await AutoModel.from_pretrained(`${url}/?token=1`, { engine }));
      expect(asked.sort()).toEqual(['/config.json?token=1', '/model.safetensors?token=1']);
      await engine.dispose();
    });

    it('says NOT_FOUND where there is no model', async () => {
      const engine = await createEngine({ threads: 1 });
      await expect(AutoModel.from_pretrained(`${url}/nowhere`, { engine })).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await engine.dispose();
    });
  });
});

describe('the oracle', () => {
  it('equals PyTorch itself', () => {
    const [config, weights] = [tinyConfig(), tinyWeights()];
    const [ids, mask] = [ints('input_ids'), ints('attention_mask')];
    for (let b = 0; b < B; b++) {
      const row = (x: Int32Array) => Array.from(x.subarray(b * T, (b + 1) * T));
      const { hidden, attentions, pooled } = forward(config, weights, { ids: row(ids), mask: row(mask), types: row(ids).fill(0) });
      const part = (name: string) => {
        const all = numbersOf(expected[name] as Weight);
        return all.subarray((b * all.length) / B, ((b + 1) * all.length) / B);
      };
      for (const [i, x] of hidden.entries()) expect(distance(x, part(`hidden.${i}`))).toBeLessThan(2e-6);
      for (const [i, x] of attentions.entries()) expect(distance(x, part(`attn.${i}`))).toBeLessThan(2e-6);
      expect(distance(pooled, part('pooler_output'))).toBeLessThan(2e-6);
    }
  });
});

const masks = ['none', 'right', 'left', 'holes'] as const;

function maskOf(kind: (typeof masks)[number], T: number, random: Random): number[] {
  const n = 1 + random.below(T);
  const forms: Record<typeof kind, (t: number) => boolean> = {
    none: () => true,
    right: (t) => t < n,
    left: (t) => t >= T - n,
    holes: (t) => t === n - 1 || random.next() < 0.6,
  };
  return Array.from({ length: T }, (_, t) => Number(forms[kind](t)));
}

/** The same weights, each moved by as much as a float32 may be off after a few operations: what the oracle then answers otherwise is what rounding may do. */
function nudged(weights: Weights, random: Random): Weights {
  const nudge = (x: number) => x * (1 + (random.next() < 0.5 ? -1 : 1) * 2 ** -21);
  return Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, weightOf(numbersOf(weight).map(nudge), weight.shape)]));
}

describe('a BERT of any size', () => {
  const sizes = fc.record({
    D: fc.integer({ min: 1, max: 20 }),
    H: fc.integer({ min: 1, max: 5 }),
    F: fc.integer({ min: 1, max: 70 }),
    L: fc.integer({ min: 1, max: 3 }),
    T: fc.integer({ min: 1, max: 40 }),
    kinds: fc.array(fc.constantFrom(...masks), { minLength: 1, maxLength: 4 }),
    activation: fc.constantFrom(...activationNames),
    threads: fc.constantFrom(1, 2),
    seed: fc.nat(),
  });

  it('equals the oracle, whatever the mask: none, right, left, or with holes', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async ({ D, H, F, L, T, kinds, activation, threads, seed }) => {
        const made = randomBert({ C: D * H, H, F, L, V: 30, positions: 40, activation }, seed);
        const model = await modelOver(bertFiles(made), {}, { threads, inlineBelow: 0 });
        const random = new Random(seed);
        const examples = kinds.map((kind) => ({
          ids: Array.from({ length: T }, () => random.below(30)),
          mask: maskOf(kind, T, random),
          types: Array.from({ length: T }, () => random.below(2)),
        }));
        const list = (key: 'ids' | 'mask' | 'types') => examples.map((example) => example[key]);
        const wanted = { output_hidden_states: true, output_attentions: true };
        const out = await model({ input_ids: list('ids'), attention_mask: list('mask'), token_type_ids: list('types') }, wanted);
        for (const [b, example] of examples.entries()) {
          const want = forward(made.config, made.weights, example);
          // Norms over two columns enlarge a rounding up to 32 times each, five of them in a row.
          const other = forward(made.config, nudged(made.weights, random), example);
          const part = ({ data }: HostTensor) =>
            data.subarray((b * data.length) / examples.length, ((b + 1) * data.length) / examples.length);
          const near = (got: HostTensor | undefined, x: ArrayLike<number>, moved: ArrayLike<number>) =>
            expect(distance(part(got as HostTensor), x)).toBeLessThan(1e-4 + distance(moved, x));
          for (const [i, x] of want.hidden.entries()) near(out.hidden_states?.[i], x, other.hidden[i] ?? []);
          for (const [i, x] of want.attentions.entries()) near(out.attentions?.[i], x, other.attentions[i] ?? []);
          near(out.pooler_output, want.pooled, other.pooled);
        }
        await model.engine.dispose();
      }),
      { numRuns: 40 },
    );
  });
});
