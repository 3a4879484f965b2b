/** renderAttention: what it writes, how heavy that is, and what it refuses. The page at work is in page.test.ts. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { renderAttention } from '../../dist/pictures/attention.js';
import { decode, encode } from '../../dist/pictures/codes.js';
import { HostTensor } from '../../dist/tensor.js';
import { attentions, translation } from './picture.js';

const one = (L: number, H: number, T: number) =>
  renderAttention({ title: 'a', source: Array.from({ length: T }, (_, i) => `t${i}`), attentions: { encoder: attentions(L, H, T, T) } });

describe('the page', () => {
  const html = renderAttention(translation());

  it('has two scripts, the data and its own, whatever the tokens are', () => {
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(html).not.toContain('<!--');
    expect(html).toContain('<title>I &lt;i&gt;love&lt;/i&gt; &lt;/title&gt;');
  });

  it('allows its own script and style by their hashes, and nothing else', () => {
    const [policy] = html.match(/(?<=Content-Security-Policy" content=")[^"]+/) ?? [''];
    const hash = (tag: string) =>
      createHash('sha256')
        .update(html.match(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`))?.[1] ?? '')
        .digest('base64');
    expect(policy.split('; ')).toEqual([
      ...["default-src 'none'", `script-src 'sha256-${hash('script')}'`, `style-src 'sha256-${hash('style')}'`],
      ...["base-uri 'none'", "form-action 'none'"],
    ]);
  });

  it('names no other host but for the licence of what it contains', () => {
    expect([...new Set(html.match(/\bhttps?:\/\/[\w./]+/g))].sort()).toEqual([
      'http://www.w3.org/1999/xhtml',
      'http://www.w3.org/1999/xlink',
      'http://www.w3.org/2000/svg',
      'http://www.w3.org/2000/xmlns/',
      'http://www.w3.org/XML/1998/namespace',
      'https://d3js.org',
    ]);
  });

  it('weighs less than 300 kB for a sentence of 20 tokens in a BERT of 12 layers and 12 heads', () => {
    expect(one(12, 12, 20).length).toBeLessThan(300_000);
    expect(one(12, 12, 32).length).toBeLessThan(300_000);
  });
});

describe('weights in base64', () => {
  const weights = Float32Array.from([0, 1, 0.5, 1e-4, 0.123456, 0.9999]);
  it.each([
    ['u16', (w: number) => 0.5 / 65535 + 1e-7 + 0 * w],
    ['u8', (w: number) => Math.sqrt(w) / 255 + 0.25 / 255 ** 2 + 1e-7],
  ] as const)('as %s are as near as promised', (code, error) => {
    const back = decode(encode([weights.subarray(0, 2), weights.subarray(2)], code), code);
    for (const [i, w] of weights.entries()) expect(Math.abs((back[i] as number) - w), String(w)).toBeLessThanOrEqual(error(w));
  });
});

describe('what cannot be drawn is refused', () => {
  const good = translation();
  const encoder = good.attentions.encoder as HostTensor[];
  const cases: [string, unknown, object][] = [
    ['no group', { ...good, attentions: {} }, { code: 'ARGUMENT', culprit: 'attentions' }],
    ['a group that there is not', { ...good, attentions: { self: encoder } }, { code: 'UNSUPPORTED', culprit: 'self' }],
    ['an option that there is not', { ...good, colour: 'red' }, { code: 'UNSUPPORTED', culprit: 'colour' }],
    ['a title that is none', { ...good, title: 3 }, { code: 'ARGUMENT', culprit: 'title' }],
    ['tokens that are none', { ...good, source: ['a', 3] }, { code: 'ARGUMENT', culprit: 'source' }],
    ['no tokens', { ...good, source: [] }, { code: 'SHAPE', culprit: 'encoder' }],
    ['a token too few', { ...good, source: good.source.slice(1) }, { code: 'SHAPE', culprit: 'encoder', shape: [1, 3, 9, 9] }],
    ['no target', { ...good, target: undefined }, { code: 'SHAPE', culprit: 'cross' }],
    ['a list of nothing', { ...good, attentions: { encoder: [] } }, { code: 'ARGUMENT', culprit: 'encoder' }],
    ['a tensor that is none', { ...good, attentions: { encoder: [null] } }, { code: 'SHAPE', culprit: 'encoder' }],
    ['layers of other heads', { ...good, attentions: { encoder: [encoder[0], ...attentions(1, 2, 9, 9)] } }, { code: 'SHAPE' }],
    [
      'two examples',
      { ...good, attentions: { encoder: [new HostTensor('float32', new Float32Array(486), [2, 3, 9, 9])] } },
      { code: 'SHAPE' },
    ],
  ];
  it.each(cases)('%s', (_, picture, error) => {
    expect(() => renderAttention(picture as typeof good)).toThrow(expect.objectContaining(error));
  });

  it.each([
    [Number.NaN, 'NUMERIC'],
    [Number.POSITIVE_INFINITY, 'NUMERIC'],
    [1.1, 'ARGUMENT'],
    [-0.1, 'ARGUMENT'],
  ])('a weight of %f', (value, code) => {
    const attentions = { encoder: [new HostTensor('float32', Float32Array.of(0.5, 0.5, value, 0.5), [1, 1, 2, 2])] };
    expect(() => renderAttention({ title: '', source: ['a', 'b'], attentions })).toThrow(expect.objectContaining({ code }));
  });

  it('but not one that rounding made a little larger than 1', () => {
    const attentions = { encoder: [new HostTensor('float32', Float32Array.of(1.0000001), [1, 1, 1])] };
    expect(renderAttention({ title: '', source: ['a'], attentions })).toContain('<!doctype html>');
  });
});
