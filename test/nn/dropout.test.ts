/** Dropout in modules: it drops in training alone, another mask for each call, and the same ones again for the same seed and step. */
import { createEngine, type Engine, type EngineTensor as Tensor, tensor } from 'heed';
import { Dropout, type Module, MultiheadAttention, TransformerDecoderLayer, TransformerEncoderLayer } from 'heed/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });
});
afterAll(() => engine.dispose());

const input = () =>
  tensor(
    engine,
    Float32Array.from({ length: 2 * 5 * 16 }, (_, i) => Math.sin(i)),
    [2, 5, 16],
  );

interface Case {
  make(dropout: number): Module;
  run(module: never, x: Tensor): Tensor;
}

const layer = (dropout: number) => ({ dimFeedforward: 32, batchFirst: true, dropout });
const cases: Record<string, Case> = {
  Dropout: { make: (p) => new Dropout(engine, p), run: (m: Dropout, x) => m.forward(x) },
  MultiheadAttention: {
    make: (dropout) => new MultiheadAttention(engine, 16, 4, { batchFirst: true, dropout }),
    run: (m: MultiheadAttention, x) => m.forward(x, x, x).output,
  },
  'an encoder layer': {
    make: (dropout) => new TransformerEncoderLayer(engine, 16, 4, layer(dropout)),
    run: (m: TransformerEncoderLayer, x) => m.forward(x),
  },
  'a decoder layer with pre-norm': {
    make: (dropout) => new TransformerDecoderLayer(engine, 16, 4, { ...layer(dropout), normFirst: true }),
    run: (m: TransformerDecoderLayer, x) => m.forward(x, x),
  },
};

describe.each(Object.entries(cases))('%s', (_, { make, run }) => {
  const outputOf = (module: Module): number[] => engine.scope(() => [...run(module as never, input()).toHost().data]);

  it('is as it is without dropout when it does not train', () => {
    const [plain, dropping] = [make(0).init(1), make(0.5).init(1)];
    expect(outputOf(dropping)).toEqual(outputOf(plain));
    expect(outputOf(dropping.train())).not.toEqual(outputOf(plain));
    expect(outputOf(dropping.eval())).toEqual(outputOf(plain));
  });

  it('draws another mask for each call, and goes on after an evaluation', () => {
    const module = make(0.5).init(1).train();
    const outputs = [outputOf(module), outputOf(module), outputOf(module.eval().train()), outputOf(module.train())];
    expect(new Set(outputs.map(String)).size).toBe(4);
  });

  it('draws the same masks again for the same seed and step, and for no others', () => {
    const module = make(0.5).init(1);
    const drawn = (seed: number, step: number) => {
      module.train({ seed, step });
      return String([outputOf(module), outputOf(module)]);
    };
    const first = drawn(1, 7);
    expect(drawn(1, 8)).not.toBe(first);
    expect(drawn(2, 7)).not.toBe(first);
    expect(drawn(1, 7)).toBe(first);
  });
});

it.each([
  ['a string', '0.1'],
  ['above 1', 1.5],
  ['NaN', Number.NaN],
])('refuses a probability that is %s', (_, p) => {
  expect(() => new Dropout(engine, p as number)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'p' }));
  expect(() => new MultiheadAttention(engine, 16, 4, { dropout: p as number })).toThrow(expect.objectContaining({ culprit: 'dropout' }));
});
