/** Host tensors as objects: places, iteration, what shares memory, what they look like, and that ops and modules take them. */
import { inspect } from 'node:util';
import { createEngine, type Engine, full, type HostTensor, layer_norm, rand, randn, softmax, stack, Tensor, topk } from 'heed';
import { Embedding, Linear, MultiheadAttention, TransformerEncoder, TransformerEncoderLayer } from 'heed/nn';
import { add, cat, Tensor as EngineTensor, embedding, reshape, softmax as softmaxOp, tensor, transpose } from 'heed/ops';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pack, unpack } from '../../dist/remote/protocol.js';

const x = () => new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]);
const ids = () => new Tensor('int64', [1, 0, 2], [1, 3]);

describe('a host tensor', () => {
  it('has parts by their places, from either end, which share its memory', () => {
    const whole = x();
    expect([whole[1]?.tolist(), whole[-1]?.[0]?.item(), whole[0]?.dims]).toEqual([[4, 5, 6], 4, [3]]);
    (whole[0] as HostTensor).mul_(10);
    expect(whole.tolist()).toEqual([
      [10, 20, 30],
      [4, 5, 6],
    ]);
  });

  it('throws for places that are not there, and for writing into one', () => {
    expect(() => x()[2]).toThrow(/index is 2/);
    expect(() => {
      (x() as unknown as number[])[0] = 1;
    }).toThrow(/Write into tensor.data/);
  });

  it('can be iterated, spread and taken apart', () => {
    const [first, second] = x() as Iterable<HostTensor>;
    expect([first?.tolist(), second?.tolist()]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect([...(first as HostTensor)]).toEqual([1, 2, 3]);
    expect([...ids()].map((row) => (row as HostTensor<BigInt64Array>).tolist())).toEqual([[1n, 0n, 2n]]);
  });

  it('is an ordinary object: of its class, readable, cloned as its three properties, with no property that it has not', () => {
    const one = x();
    expect(one instanceof Tensor && one instanceof Object && one.clone() instanceof Tensor).toBe(true);
    expect(inspect(one)).toMatch(/type: 'float32',\s+data: Float32Array\(6\)/);
    expect(structuredClone(one)).toEqual({ type: 'float32', data: one.data, dims: [2, 3] });
    expect([(one as unknown as { nothing?: unknown }).nothing, `${one}`, Object.keys(one)]).toEqual([
      undefined,
      '[object Object]',
      ['type', 'data', 'dims'],
    ]);
  });

  it('comes back from a worker with its methods', () => {
    const back = unpack(structuredClone(pack({ logits: x() }, new Set()))) as { logits: HostTensor };
    expect(back.logits instanceof Tensor && back.logits.argmax(-1).tolist()).toEqual([2n, 2n]);
  });

  it('can be subclassed', () => {
    class Picture extends (Tensor as new (type: 'float32', data: number[], dims: number[]) => HostTensor<Float32Array>) {}
    const picture = new Picture('float32', [1, 2], [2]);
    expect([picture instanceof Picture, picture instanceof Tensor, picture[1]?.item()]).toEqual([true, true, 2]);
  });

  it('computes what PyTorch has beside: exp, log, softmax, log_softmax, topk', () => {
    expect(new Tensor('int32', [0, 1], [2]).exp().data).toEqual(Float32Array.of(1, Math.E));
    expect(new Tensor('float64', [1, Math.E], [2]).log_().tolist()).toEqual([0, 1]);
    const rows = x().softmax().sum(-1).tolist() as number[];
    for (const row of rows) expect(row).toBeCloseTo(1, 6);
    expect(x().log_softmax(0).exp().round().tolist()).toEqual(x().softmax(0).round().tolist());
    const [values, places] = new Tensor('float32', [3, Number.NaN, 3, 5], [4]).topk(3);
    expect([values.tolist(), places.tolist()]).toEqual([
      [Number.NaN, 5, 3],
      [1n, 3n, 0n],
    ]);
    expect(() => x().topk(4)).toThrow(/up to 3/);
    expect(new Tensor('float32', [1, Number.NaN, 0], [3]).max().item()).toBeNaN();
  });

  it('is drawn at random within bounds, and made of one number', () => {
    expect(rand([1000]).data.every((n) => n >= 0 && n < 1)).toBe(true);
    const { data } = randn([4000]);
    expect(Math.abs(data.reduce((a, b) => a + b, 0) / 4000)).toBeLessThan(0.1);
    expect(full([2], 7).tolist()).toEqual([7, 7]);
    expect(() => full([-1], 7)).toThrow(/whole numbers/);
  });

  it('refuses what does not go together', async () => {
    expect(() => stack([x(), x().to('int32') as never])).toThrow(/float32 and of int32/);
    expect(() => stack([x(), x().view(3, 2)])).toThrow(/one shape/);
    expect(() => softmax('abc' as never)).toThrow(/Give numbers/);
    expect(() => x().mul('2' as never)).toThrow(/takes a number/);
    expect(() => ids().mul(2 as never)).toThrow(/takes a bigint/);
    expect(() => x().mul(Number.NaN).to('int64')).toThrow(/is no int64/);
    await expect(topk([1] as never)).rejects.toThrow(/must be a tensor/);
  });

  it('is normalised as PyTorch does: eps is added to the variance', () => {
    const { data } = layer_norm(new Tensor('float32', [0, 0.002], [1, 2]), [2]);
    expect(Array.from(data, (n) => Math.round(n * 1e4))).toEqual([-3015, 3015]);
  });
});

describe('ops and modules', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1, deterministic: true });
  });
  afterAll(() => engine.dispose());

  it('take host tensors for tensors, alone, mixed, in lists and in options, and free the copies', () => {
    const before = engine.memory().used;
    engine.scope(() => {
      const own = tensor(engine, x());
      for (const y of [add(own, x()), add(x(), own), add(x(), x()), cat([x(), own], 0)]) expect(y).toBeInstanceOf(EngineTensor);
      expect(add(x(), own).toHost().tolist()).toEqual(x().mul(2).tolist());
      expect(softmaxOp(x()).toHost().tolist()).toEqual(softmaxOp(own).toHost().tolist());
      expect(reshape(x(), [3, 2]).shape).toEqual([3, 2]);
      expect(transpose(x(), 0, 1).shape).toEqual([3, 2]);
    });
    expect(engine.memory().used).toBe(before);
  });

  it('take int64 for ids, and refuse what int32 cannot hold', () => {
    engine.scope(() => {
      const table = tensor(engine, [
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      expect(embedding(ids(), table).toHost().tolist()).toEqual([
        [
          [3, 4],
          [1, 2],
          [5, 6],
        ],
      ]);
      expect(new Embedding(engine, 3, 2).init(1).forward(ids()).shape).toEqual([1, 3, 2]);
      expect(tensor(engine, BigInt64Array.of(1n, 2n)).dtype).toBe('int32');
      expect(() => tensor(engine, new Tensor('int64', [2 ** 40], [1]))).toThrow(/below 2\^31/);
    });
  });

  it('run modules: the same as of an engine tensor', () => {
    engine.scope(() => {
      const host = new Tensor(
        'float32',
        Array.from({ length: 24 }, (_, i) => Math.sin(i)),
        [2, 3, 4],
      );
      const own = tensor(engine, host);
      const mask = new Tensor('bool', [true, true, false, true, true, true], [2, 3]);
      const linear = new Linear(engine, 4, 2).init(1);
      expect(linear.forward(host).toHost()).toEqual(linear.forward(own).toHost());
      const attention = new MultiheadAttention(engine, 4, 2, { batchFirst: true }).init(1);
      const padding = { keyPaddingMask: mask };
      expect(attention.forward(host, own, host, padding).output.toHost()).toEqual(
        attention.forward(own, own, own, { keyPaddingMask: tensor(engine, mask) }).output.toHost(),
      );
      const layer = () => new TransformerEncoderLayer(engine, 4, 2, { dimFeedforward: 8, batchFirst: true });
      const stackOf = new TransformerEncoder(engine, layer, 2);
      stackOf.init(1).eval();
      expect(stackOf.forward(host).toHost()).toEqual(stackOf.forward(own).toHost());
    });
  });
});
