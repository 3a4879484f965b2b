/** A parameter counts its own steps: one that trains late, or has a gradient now and then, goes as PyTorch's does (test/fixtures/train/optimizers.json). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type HostTensor, tensor } from '../../dist/entry/node.js';
import { Linear } from '../../dist/nn/index.js';
import { mul, sum, valueAndGrad } from '../../dist/ops/index.js';
import { Adam, AdamW, SGD } from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { make } from './made.js';

type Values = Record<string, number[]>;
interface Run {
  kind: 'Adam' | 'AdamW' | 'SGD';
  options: { lr?: number; betas?: [number, number]; weight_decay?: number; momentum?: number; dampening?: number; nesterov?: boolean };
  after: Values[];
}
const fixture: { start: Values; gradients: Values[]; runs: Run[] } = JSON.parse(
  readFileSync(new URL('../fixtures/train/optimizers.json', import.meta.url), 'utf8'),
);
const makers = { Adam, AdamW, SGD };

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
});
afterAll(() => engine.dispose());

/** Parameters with the fixture's values, in layers of one output. */
function parameters() {
  const layers = Object.entries(fixture.start).map(([name, values]) => {
    const layer = new Linear(engine, values.length, 1, { bias: false });
    layer.loadStateDict({ weight: { data: Float32Array.from(values), dims: [1, values.length] } });
    layer.train({ seed: 0, step: 0 });
    return [name, layer.weight] as const;
  });
  return new Map(layers);
}

/** Σ w · g has the gradient g. */
function bring(named: ReturnType<typeof parameters>, gradients: Values): void {
  for (const [name, gradient] of Object.entries(gradients)) {
    const weight = named.get(name) as NonNullable<ReturnType<typeof named.get>>;
    valueAndGrad(engine, () => sum(mul(weight.tensor, tensor(engine, Float32Array.from(gradient), [1, gradient.length]))));
  }
}

const optimizerOf = (
  { kind, options: { weight_decay: weightDecay = kind === 'AdamW' ? 0.01 : 0, ...options } }: Run,
  named: ReturnType<typeof parameters>,
) => new makers[kind](named, { ...options, weightDecay } as object);

describe('an optimizer', () => {
  it.each(fixture.runs.map((run) => [`${run.kind} ${JSON.stringify(run.options)}`, run] as const))('%s goes as in PyTorch', (_, run) => {
    let named = parameters();
    let optimizer = optimizerOf(run, named);
    fixture.gradients.forEach((gradients, t) => {
      // Half the way it is saved, and another one goes on.
      if (t === 7) {
        const state = optimizer.state();
        const weights = [...named].map(([name, { value }]) => [name, value.toHost().data] as const);
        optimizer.dispose();
        named = parameters();
        for (const [name, data] of weights) engine.heap.floats(named.get(name)?.value.ptr as number, data.length).set(data);
        optimizer = optimizerOf(run, named);
        optimizer.load(JSON.parse(JSON.stringify(state), revived));
      }
      optimizer.zeroGrad();
      bring(named, gradients);
      optimizer.step();
      for (const [name, expected] of Object.entries(run.after[t] as Values)) {
        const found = Array.from(named.get(name)?.value.toHost().data ?? []);
        for (const [i, value] of found.entries())
          expect(Math.abs(value - (expected[i] as number)), `${name} after step ${t}`).toBeLessThan(3e-6);
      }
    });
    optimizer.dispose();
  });

  it('takes a state from before steps were counted for each parameter: all took as many', () => {
    const named = parameters();
    const optimizer = new Adam(named);
    optimizer.load({ step: 5, tensors: { 'late.m': zeros(3), 'late.v': zeros(3) } });
    expect(optimizer.state().steps).toEqual({});
    bring(named, { late: [1, 1, 1], always: [1, 1, 1, 1, 1] });
    optimizer.step();
    expect(optimizer.state()).toMatchObject({ step: 6, steps: { always: 1 } });
    optimizer.dispose();
  });

  it('keeps the counts in a checkpoint, and one of the old form resumes', async () => {
    const { trainer, model, optimizer } = await make();
    const frozen = [...model.namedParameters()].slice(0, 3).map(([, parameter]) => parameter);
    for (const parameter of frozen) parameter.requiresGrad = false;
    await trainer.fit({ steps: 4 });
    for (const parameter of frozen) parameter.requiresGrad = true;
    await trainer.fit({ steps: 6 });
    const fewer = optimizer.state().steps;
    expect(new Set(Object.values(fewer ?? {}))).toEqual(new Set([2]));
    const saved = await trainer.save();
    const next = await make();
    await next.trainer.load(saved);
    expect(next.optimizer.state()).toMatchObject({ step: 6, steps: fewer });
  });
});

const zeros = (n: number) => ({ type: 'float32', data: new Float32Array(n), dims: [1, n] }) as unknown as HostTensor;
const revived = (key: string, value: unknown) => (key === 'data' ? Float32Array.from(Object.values(value as object) as number[]) : value);

describe('options that make no sense', () => {
  const cases: [keyof typeof makers, object][] = [
    ...(['lr', 'weightDecay'] as const).flatMap((name) =>
      [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', null].map((value) => ({ [name]: value })),
    ),
  ].flatMap((options) => (['Adam', 'AdamW', 'SGD'] as const).map((kind): [keyof typeof makers, object] => [kind, options]));
  cases.push(
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY].flatMap((value): [keyof typeof makers, object][] => [
      ['Adam', { eps: value }],
      ['AdamW', { eps: value }],
      ['SGD', { momentum: value }],
      ['SGD', { momentum: 0.9, dampening: value }],
    ]),
    ['SGD', { nesterov: true }],
    ['SGD', { nesterov: true, momentum: 0.9, dampening: 0.1 }],
    ['SGD', { nesterov: 1, momentum: 0.9 }],
  );
  it.each(cases)('%s refuses %j', async (kind, options) => {
    const error = await failureOf(async () => new makers[kind](parameters(), options));
    expect(error.code).toBe('ARGUMENT');
    expect(Object.keys(options)).toContain(error.culprit);
    // Of a group, too.
    expect((await failureOf(async () => new makers[kind]([{ parameters: parameters(), options }]))).culprit).toBe(error.culprit);
  });

  it.each([{ factor: Number.NaN }, { factor: -1 }, { clip: -1 }, { clip: Number.NaN }, { scale: Number.NaN }])(
    'a step refuses %j',
    async (options) => {
      const named = parameters();
      const optimizer = new SGD(named);
      bring(named, { late: [1, 1, 1] });
      const before = Array.from(named.get('late')?.value.toHost().data ?? []);
      expect(await failureOf(async () => optimizer.step(options))).toMatchObject({ code: 'ARGUMENT', culprit: Object.keys(options)[0] });
      expect(Array.from(named.get('late')?.value.toHost().data ?? [])).toEqual(before);
      expect(optimizer.steps).toBe(0);
    },
  );
});
