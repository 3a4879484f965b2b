/** JSON, written again: what is as it was is spelt as it was. */
import { expect, it } from 'vitest';
import { respell } from '../../dist/io/respell.js';

const before = '{ "a": 1.0, "b":[1e-5, {"c": 0.0}],\n"d\\u0065": "x, \\"y\\": {1.0}", "": 2.0, "f": null, "g": {} , "h": 1.50}';

it('keeps the spelling of members that have not changed', () => {
  const { h: _, ...rest } = JSON.parse(before);
  const text = respell({ ...rest, a: 1, b: [0.00001, { c: 0 }], f: 3, i: { j: [1] }, k: undefined }, before);
  expect(text.split('\n').slice(0, 5)).toEqual([
    '{',
    '  "a": 1.0,',
    '  "b": [1e-5, {"c": 0.0}],',
    '  "de": "x, \\"y\\": {1.0}",',
    '  "": 2.0,',
  ]);
  expect(JSON.parse(text)).toEqual({ ...rest, f: 3, i: { j: [1] } });
});

it('writes what has changed, or was not there, as JSON.stringify does', () => {
  const value = { a: 2, b: { c: [1, { d: 'e' }] }, list: [] };
  expect(respell(value)).toBe(`${JSON.stringify(value, null, 2)}\n`);
  expect(respell(value, '{"a": 1.0}')).toBe(`${JSON.stringify(value, null, 2)}\n`);
  expect(respell(value, '[1.0]')).toBe(`${JSON.stringify(value, null, 2)}\n`);
  expect(respell({}, '{"a": 1}')).toBe('{}\n');
});
