/**
 * One token across all heads of a layer: queries on the left, keys on the right, and from the chosen query a line for each head to each key, as strong as its
 * weight. Heads have colours of their own.
 */
import { select } from 'd3-selection';
import type { Group } from './group.js';
import type { Shade } from './palette.js';
import { cut, visible } from './tokens.js';

const ROW = 20;
/** Pixels of a letter, of the whole drawing at most, and the share of each side's tokens of it. */
const [LETTER, WIDEST, SIDE] = [7, 620, 0.27];
const [TITLE, GAP] = [24, 8];
/** Pixels below which there is no room for whole sentences. */
const NARROW = 440;
/** Share of the strongest line below which a line would not be seen. */
const FAINT = 0.02;

export interface LinesView {
  group: Group;
  layer: number;
  /** Heads that are drawn: all, or one of them. */
  heads: readonly number[];
  query: number;
  shade(head: number): Shade;
  choose(query: number): void;
}

export const colorOf = (head: number, heads: number): string => `hsl(${Math.round((360 * head) / heads)} 75% 45%)`;

export function drawLines(parent: HTMLElement, { group, layer, heads, query, shade, choose }: LinesView): SVGSVGElement {
  const { queries, keys, sides } = group;
  const [T, S] = [queries.length, keys.length];
  const width = Math.min(WIDEST, parent.clientWidth || WIDEST);
  const margin = Math.round(SIDE * width);
  const right = width - margin;
  const label = Math.floor(margin / LETTER);
  const y = (i: number) => TITLE + (i + 0.5) * ROW;
  const svg = select(parent)
    .selectAll<SVGSVGElement, number>('svg')
    .data([0])
    .join('svg')
    .attr('width', width)
    .attr('height', TITLE + Math.max(T, S) * ROW + GAP);
  const lines = heads.flatMap((head, place) => {
    const { weights } = group.head(layer, head);
    const toShare = shade(head);
    // Lines begin side by side, so that none hides another.
    const offset = ((place + 0.5) / heads.length - 0.5) * (ROW - 4);
    return keys.flatMap((_, key) => {
      const weight = weights[query * S + key] as number;
      const share = toShare(weight);
      return share < FAINT ? [] : [{ head, key, share, offset, weight }];
    });
  });
  svg
    .selectAll('path')
    .data(lines)
    .join((enter) => {
      const path = enter.insert('path', 'text');
      path.append('title');
      return path;
    })
    .attr('d', ({ key, offset }) => {
      const [from, to] = [y(query) + offset, y(key) + offset];
      const bend = width / 2;
      return `M${margin + GAP},${from} C${bend},${from} ${bend},${to} ${right - GAP},${to}`;
    })
    .attr('fill', 'none')
    .attr('stroke', ({ head }) => colorOf(head, group.heads))
    .attr('stroke-width', ({ share }) => 0.5 + 3 * share)
    .attr('stroke-opacity', ({ share }) => share)
    .select('title')
    .text(({ head, weight }) => `${group.headName(head)}: ${group.show(weight)}`);
  const same = sides.queries === sides.keys;
  const [queryKind, keyKind] = same ? ['', ''] : [`${sides.queries} `, `${sides.keys} `];
  const [looks, isSeen] =
    width < NARROW ? [`${queryKind}looks`, `${keyKind}is seen`] : [`${queryKind}tokens that look`, `${keyKind}tokens that are looked at`];
  const labels = [
    { text: looks, x: margin, y: 12, end: true, kind: 'title', index: -1 },
    { text: isSeen, x: right, y: 12, end: false, kind: 'title', index: -1 },
    ...queries.map((token, i) => ({ text: token, x: margin, y: y(i), end: true, kind: i === query ? 'query chosen' : 'query', index: i })),
    ...keys.map((token, i) => ({ text: token, x: right, y: y(i), end: false, kind: 'key', index: i })),
  ];
  svg
    .selectAll<SVGTextElement, (typeof labels)[number]>('text')
    .data(labels)
    .join('text')
    .attr('class', ({ kind }) => kind)
    .attr('x', (d) => d.x)
    .attr('y', (d) => d.y)
    .attr('dy', ({ index }) => (index < 0 ? 0 : '0.32em'))
    .attr('text-anchor', ({ end }) => (end ? 'end' : 'start'))
    .text(({ text, index }) => (index < 0 ? text : cut(visible(text), label)))
    .on('click', (_, { kind, index }) => {
      if (kind.startsWith('query')) choose(index);
    });
  return svg.node() as SVGSVGElement;
}
