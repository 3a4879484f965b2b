/** Rotary positions: where they begin, what turns, and by which frequencies, which are transformers'. */
import { readFileSync } from 'node:fs';
import type { Engine } from 'heed';
import { RotaryPositions, type RotaryPositionsOptions, rotaryScalings, type ScalingParameters } from 'heed/nn';
import { cat, narrow, rotary, rotaryTable, type Tensor, tensor } from 'heed/ops';
import { beforeAll, describe, expect, it } from 'vitest';
import { engineFor } from '../ops/engines.js';

let engine: Engine;
beforeAll(async () => {
  engine = await engineFor({ deterministic: true, threads: 1 });
});

const heads = (B: number, T: number, D: number): Tensor =>
  tensor(
    engine,
    Float32Array.from({ length: B * 2 * T * D }, (_, i) => Math.sin(i)),
    [B, 2, T, D],
  );

const turned = (x: Tensor, options: number | RotaryPositionsOptions, from?: number | readonly number[]) => {
  const turn = new RotaryPositions(engine, x.dim(3), options).forward(x.dim(2), from);
  return turn(x).toHost().tolist();
};

interface Case {
  kind: keyof typeof rotaryScalings;
  parameters: ScalingParameters;
  channels: number;
  base: number;
  tokens: number;
  angles: number[];
  factor: number;
}
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/rotary/scalings.json', import.meta.url), 'utf8'));

describe('rotary positions', () => {
  it('multiply queries by a number for each place where they are told to, wherever they are moved', () => {
    const x = heads(2, 3, 6);
    const queryScale = (t: number) => 1 + t / 10;
    const turn = new RotaryPositions(engine, 6, { queryScale }).forward(3, [0, 5]);
    const scaled = (rows: number[][][][], places: readonly number[]) =>
      rows.map((row, b) => row.map((head) => head.map((place, t) => place.map((value) => value * queryScale((places[b] as number) + t)))));
    const near = (got: Tensor | undefined, want: number[][][][]) => {
      const flat = want.flat(3);
      for (const [i, value] of Array.from(got?.toHost().data ?? []).entries()) expect(value).toBeCloseTo(flat[i] as number, 5);
      expect(got?.size).toBe(flat.length);
    };
    const plain = (from: readonly number[]) => turned(x, {}, from) as number[][][][];
    expect(turn(x).toHost().tolist()).toEqual(plain([0, 5]));
    near(turn.queries?.(x), scaled(plain([0, 5]), [0, 5]));
    turn.move([7, 2]);
    expect(turn(x).toHost().tolist()).toEqual(plain([7, 2]));
    near(turn.queries?.(x), scaled(plain([7, 2]), [7, 2]));
    expect(new RotaryPositions(engine, 6).forward(3).queries).toBeUndefined();
    for (const options of [{ queryScale, share: 0.5 }, { queryScale: 2 as never }])
      expect(() => new RotaryPositions(engine, 12, options)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit: 'queryScale' }));
  });

  it('go on where a cache ends', () => {
    const whole = heads(1, 9, 6);
    const [all, rest] = [turned(whole, 500), turned(narrow(whole, 2, 4, 5), 500, 4)] as [number[][][][], number[][][][]];
    expect(rest).toEqual(all.map((rows) => rows.map((head) => head.slice(4))));
  });

  it('go on for each row where its own cache ends', () => {
    const x = heads(3, 2, 6);
    const apart = [5, 0, 11].map((from, b) => turned(narrow(x, 0, b, 1), {}, from));
    expect(turned(x, {}, [5, 0, 11])).toEqual(apart.flat());
  });

  it('turn a share of the channels, the first ones', () => {
    const x = heads(1, 5, 8);
    const first = rotary(narrow(x, 3, 0, 4), rotaryTable(engine, 5, 4, 10_000));
    expect(turned(x, { share: 0.5 })).toEqual(
      cat([first, narrow(x, 3, 4, 4)], 3)
        .toHost()
        .tolist(),
    );
  });

  it('pair neighbours where that is asked for', () => {
    const x = heads(1, 5, 8);
    expect(turned(x, { interleaved: true })).toEqual(
      rotary(x, rotaryTable(engine, 5, 8), { interleaved: true })
        .toHost()
        .tolist(),
    );
  });

  it('have other rows for a text whose length changes the frequencies', () => {
    const scaling = (_R: number, _base: number, T: number) => ({ angles: T > 4 ? [0.5] : [1], factor: T > 4 ? 2 : 1 });
    const positions = new RotaryPositions(engine, 2, { scaling });
    const ones = (T: number) => tensor(engine, new Float32Array(T * 2).fill(1), [1, 1, T, 2]);
    const lengthOf = (T: number) => Math.hypot(...(positions.forward(T)(ones(T)).toHost().data as Float32Array).subarray(2, 4));
    for (const [T, want] of [
      [3, Math.SQRT2],
      [5, 2 * Math.SQRT2],
      [4, Math.SQRT2],
    ] as const)
      expect(lengthOf(T)).toBeCloseTo(want, 5);
  });

  it('have the rows of each text for itself, whatever is the length of those beside it', () => {
    const scaling = (_R: number, _base: number, T: number) => ({ angles: [1 / T], factor: T });
    const positions = new RotaryPositions(engine, 2, { scaling });
    const ones = (B: number) => tensor(engine, new Float32Array(B * 4).fill(1), [B, 1, 2, 2]);
    const froms = [3, 0, 9, 3];
    const together = positions.forward(2, froms)(ones(4)).toHost().data;
    const alone = froms.flatMap((from) => Array.from(positions.forward(2, from)(ones(1)).toHost().data));
    expect(Array.from(together)).toEqual(alone);
    expect(Math.hypot(...alone.slice(0, 2))).toBeCloseTo(5 * Math.SQRT2, 5);
  });

  it.each([
    ['share', { share: 0 }],
    ['share', { share: 1.5 }],
    ['base', { base: -1 }],
    ['interleaved', { interleaved: 1 as unknown as boolean }],
    ['C', { share: 0.3 }],
  ] as const)('refuse a wrong %s', (culprit, options) => {
    expect(() => new RotaryPositions(engine, 6, options)).toThrow(expect.objectContaining({ code: 'ARGUMENT', culprit }));
  });
});

describe('frequencies', () => {
  it.each(cases)(
    "are transformers' where they are scaled: $kind, $tokens tokens",
    ({ kind, parameters, channels, base, tokens, angles, factor }) => {
      const got = rotaryScalings[kind](parameters)(channels, base, tokens);
      expect(got.factor ?? 1).toBeCloseTo(factor, 6);
      expect(got.angles).toHaveLength(angles.length);
      for (const [i, angle] of angles.entries()) expect(Math.abs((got.angles[i] as number) / angle - 1), `pair ${i}`).toBeLessThan(2e-6);
    },
  );
});
