/** The keys as a text, each on the colour of its weight: the attention of one query. For long texts this is clearer than a row of the map. */
import { select } from 'd3-selection';
import type { Reading } from './explorer.js';
import { visible } from './tokens.js';

export function drawReading(parent: HTMLElement, { group, head, query, shade, palette }: Reading): void {
  const S = group.keys.length;
  const shareOf = (key: number) => (query === undefined ? 0 : shade(head.weights[query * S + key] as number));
  select(parent)
    .selectAll('bdi')
    .data(group.keys)
    .join('bdi')
    .text(visible)
    .style('background', (_, key) => palette.css(shareOf(key)))
    .style('color', (_, key) => palette.ink(shareOf(key)));
}
