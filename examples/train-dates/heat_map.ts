/** Attention as a heat map: a row for each character that was written, a column for each one that was read; the darker, the more it was looked at. */
import { select } from 'd3-selection';
import type { Reading } from './reader.js';

const [WIDTH, HEIGHT] = [1040, 24];
/** Columns are as wide as the text allows, within reason. */
const widthOf = (columns: number) => Math.min(60, WIDTH / (columns + 1));

/** How tokens that cannot be seen are shown. */
const names: Readonly<Record<string, string>> = { ' ': '␣', '</s>': '■' };
const nameOf = (token: string) => names[token] ?? token;

export function drawHeatMap(svg: SVGSVGElement, { rows, columns, weights }: Reading): void {
  const width = widthOf(columns.length);
  const root = select(svg).attr('viewBox', `0 0 ${WIDTH} ${HEIGHT * 12}`);
  const label = (name: string, tokens: readonly string[]) =>
    root
      .selectAll(`text.${name}`)
      .data([...tokens])
      .join('text')
      .attr('class', name)
      .text(nameOf);
  label('column', columns)
    .attr('x', (_, s) => width * (s + 1.5))
    .attr('y', HEIGHT * 0.7);
  label('row', rows)
    .attr('x', width / 2)
    .attr('y', (_, t) => HEIGHT * (t + 1.7));
  const cells = rows.flatMap((_, t) => columns.map((_, s) => ({ t, s, weight: weights[t]?.[s] ?? 0 })));
  root
    .selectAll('rect')
    .data(cells)
    .join('rect')
    .attr('x', ({ s }) => width * (s + 1) + 0.5)
    .attr('y', ({ t }) => HEIGHT * (t + 1) + 0.5)
    .attr('width', width - 1)
    .attr('height', HEIGHT - 1)
    .attr('rx', 3)
    .attr('fill-opacity', ({ weight }) => 0.06 + 0.94 * weight);
}
