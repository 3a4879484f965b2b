/** The activations that a config may name, by transformers' names: each is the function that transformers has, and so is its gradient. */
import { readFileSync } from 'node:fs';
import { backward, linear, Tape, tensor } from 'heed/ops';
import { describe, expect, it } from 'vitest';
import { JsonNode } from '../../dist/io/json.js';
import { activationOf } from '../../dist/models/config.js';
import { difference, GRADIENT, ROUNDED } from '../cases/check.js';
import { engineFor, variants } from '../ops/engines.js';
import { type Named, parseSafetensors } from '../runtimes/fixtures.js';

const expected: Named = parseSafetensors(readFileSync(new URL('../fixtures/activations/expected.safetensors', import.meta.url)));
const names = Object.keys(expected).flatMap((key) => (key.endsWith('.y') ? [key.slice(0, -2)] : []));
const named = (name: string) => activationOf(JsonNode.of('config.json', { hidden_act: name }), 'hidden_act');
const dataOf = (name: string) => expected[name]?.data as Float32Array;

describe.each(Object.entries(variants))('%s', (_, options) => {
  it.each(names)('%s is what transformers has, and its gradient too', async (name) => {
    const engine = await engineFor(options);
    const n = dataOf('x').length;
    const found: Record<string, Float32Array> = {};
    engine.scope(() => {
      const [x, dy, one] = [tensor(engine, dataOf('x'), [n, 1]), tensor(engine, dataOf('dy'), [n, 1]), tensor(engine, [[1]])];
      const tape = new Tape(engine);
      tape.watch(x, (dx) => {
        found.dx = dx.toHost().data as Float32Array;
      });
      const y = tape.record(() => linear(x, one, undefined, { activation: named(name) }));
      found.y = linear(x, one, undefined, { activation: named(name) }).toHost().data as Float32Array;
      backward(tape, y, dy);
    });
    expect(difference(found.y as Float32Array, dataOf(`${name}.y`), ROUNDED)).toBeUndefined();
    expect(difference(found.dx as Float32Array, dataOf(`${name}.dx`), GRADIENT.tolerance, GRADIENT.absolute)).toBeUndefined();
  });
});

it.each(['prelu', 'xielu'])('%s, which has weights of its own, is refused with the reason', (name) => {
  expect(() => named(name)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('weights of its own') }),
  );
});
