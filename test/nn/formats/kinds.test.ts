/**
 * Kinds of blocks that no product reads: widened to float32 with the bits of gguf-py's dequantization, and held in the format that comes nearest, as near as docs/gguf.md says;
 * in any portions of rows. Scales that are no numbers are refused.
 */
import { readFileSync } from 'node:fs';
import type { Engine } from 'heed';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGguf } from '../../../dist/io/gguf.js';
import { ggufSources } from '../../../dist/nn/formats/gguf.js';
import type { Source } from '../../../dist/nn/formats/sources.js';
import { Parameter } from '../../../dist/nn/parameter.js';
import { streamOf } from '../../io/memory.js';
import { engineFor, variants } from '../../ops/engines.js';

const engines: Engine[] = [];
let engine: Engine;
const tensors = new Map<string, Uint8Array>();
beforeAll(async () => {
  for (const options of Object.values(variants)) engines.push(await engineFor(options));
  engine = engines[0] as Engine;
  const file = await openGguf(streamOf(new Uint8Array(readFileSync(new URL('../../fixtures/gguf/kinds.gguf', import.meta.url)))));
  for (const tensor of file.tensors) tensors.set(tensor.name, await file.bytes(tensor));
  await file.close();
});

const [N, K] = [3, 256];
const sourceOf = (kind: string) => ggufSources[kind] as Source;
const blocksOf = (kind: string) => tensors.get(kind.toLowerCase()) as Uint8Array<ArrayBuffer>;
const valuesOf = (kind: string) => new Float32Array((tensors.get(`${kind.toLowerCase()}.values`) as Uint8Array<ArrayBuffer>).buffer);
/** A zero has no sign that counts. */
const signless = (values: Iterable<number>) => Array.from(values, (value) => value + 0);

function held(on: Engine, kind: string, bytes: Uint8Array, dtype: 'as it is' | 'float32' | 'q8'): Parameter {
  const made = new Parameter(on, 'w', [N, K], { packed: true });
  if (dtype === 'as it is') made.hold(sourceOf(kind).format);
  if (dtype === 'q8') made.to('q8');
  const row = bytes.length / N;
  // Panels of float32 are filled by 8 rows at once.
  const cuts = dtype === 'float32' ? [0, N] : [0, 1, N];
  for (const [from, to] of cuts.slice(1).map((to, i) => [cuts[i] as number, to] as const))
    made.write(from, bytes.subarray(from * row, to * row), sourceOf(kind));
  return made;
}

/** Where d is in a block, and what else is float16 there. */
const scales: Readonly<Record<string, readonly number[]>> = {
  ...{ Q5_0: [0], Q5_1: [0, 2], IQ4_NL: [0], Q2_K: [80, 82], Q3_K: [108], Q4_K: [0, 2], Q5_K: [0, 2], Q6_K: [208] },
};

describe.each([
  ['Q5_0', 'q8', 0],
  ['IQ4_NL', 'q8', 0],
  ['Q3_K', 'q8', 0],
  // Half a step of 15, or of 254, and what float16 takes of scale and minimum.
  ['Q2_K', 'q4', 0.5 / 15 + 2 ** -10],
  ['Q4_K', 'q4', 2 ** -11],
  ['Q5_1', 'q8', 0.5 / 127 + 2 ** -10],
  ['Q5_K', 'q8', 0.5 / 127 + 2 ** -10],
  ['Q6_K', 'q8', 0.5 / 127 + 2 ** -10],
] as const)('%s', (kind, dtype, share) => {
  it('is widened to what gguf-py says, in every binary', () => {
    for (const on of engines) {
      const w = held(on, kind, blocksOf(kind), 'float32');
      expect(signless(w.toHost().data as Float32Array)).toEqual(signless(valuesOf(kind)));
      w.dispose();
    }
  });

  it(`becomes ${dtype}, as near as a share of ${share} of what 32 neighbours span`, () => {
    expect([sourceOf(kind).format?.dtype, sourceOf(kind).rounded === true]).toEqual([dtype, share > 0]);
    const expected = valuesOf(kind);
    for (const on of engines) {
      const w = held(on, kind, blocksOf(kind), 'as it is');
      expect(w.dtype).toBe(dtype);
      const values = w.toHost().data as Float32Array;
      for (let at = 0; at < expected.length; at += 32) {
        const block = expected.subarray(at, at + 32);
        const reach = Math.max(...block.map(Math.abs)) + Math.max(...block) - Math.min(...block);
        // A minimum that is a subnormal float16 is a multiple of 2^-24.
        for (const [i, value] of block.entries())
          expect(Math.abs((values[at + i] as number) - value)).toBeLessThanOrEqual(share && share * reach + 2 ** -20);
      }
      w.dispose();
    }
  });

  it("is what floats are where 'q8' is asked for in place of fewer bits", () => {
    const w = held(engine, kind, blocksOf(kind), 'q8');
    const values = w.toHost().data as Float32Array;
    const far = valuesOf(kind).reduce((most, value, i) => Math.max(most, Math.abs(value - (values[i] as number))), 0);
    expect(far).toBeLessThanOrEqual(Math.max(...valuesOf(kind).map(Math.abs)) / 200);
    w.dispose();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('with a scale of %d is NUMERIC, whatever it is to become', (scale) => {
    const { storages } = engine.memory();
    const each = sourceOf(kind).block[1];
    for (const at of scales[kind] as readonly number[])
      for (const how of ['as it is', 'float32', 'q8'] as const) {
        const bytes = blocksOf(kind).slice();
        new DataView(bytes.buffer).setUint16((bytes.length / each - 1) * each + at, Number.isNaN(scale) ? 0x7e00 : 0x7c00, true);
        const made = new Parameter(engine, 'w', [N, K], { packed: true });
        if (how === 'as it is') made.hold(sourceOf(kind).format);
        if (how === 'q8') made.to('q8');
        expect(() => made.write(0, bytes, sourceOf(kind)), `${at} ${how}`).toThrow(
          expect.objectContaining({ code: 'NUMERIC', culprit: 'w' }),
        );
        made.dispose();
      }
    expect(engine.memory().storages).toBe(storages);
  });
});
