/** All heads of a group, small: a table of buttons, layers downwards, heads across, the mean of a layer's heads and the rollout last. Arrow keys walk through it. */
import { select } from 'd3-selection';
import type { Group } from './group.js';
import type { Palette, Shade } from './palette.js';
import { image, paint } from './pixels.js';

export interface Choice {
  layer: number;
  head: number;
}

/** Most pixels of a small picture; more would not be seen. */
const SMALL = 96;

const steps: Readonly<Record<string, readonly [layers: number, heads: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export interface HeadsView {
  group: Group;
  palette: Palette;
  shade(choice: Choice): Shade;
  choose(choice: Choice): void;
}

export function drawHeads(parent: HTMLElement, { group, palette, shade, choose }: HeadsView): void {
  const { layers, heads, columns, queries, keys } = group;
  const [T, S] = [queries.length, keys.length];
  const choices = Array.from({ length: layers * columns }, (_, i): Choice => ({ layer: Math.floor(i / columns), head: i % columns }));
  parent.style.setProperty('--columns', String(columns));
  parent.style.setProperty('--ratio', String(Math.min(Math.max(S / T, 0.5), 2)));
  const name = ({ head }: Choice) => (head < heads ? String(head + 1) : head === heads ? 'mean' : 'roll\u00adout');
  const labels = [
    ...choices.slice(0, columns).map((choice) => ({ text: name(choice), row: 1, column: choice.head + 2 })),
    ...Array.from({ length: layers }, (_, layer) => ({ text: String(layer + 1), row: layer + 2, column: 1 })),
    { text: 'layer', row: 1, column: 1 },
  ];
  const root = select(parent);
  root
    .selectAll('span')
    .data(labels)
    .join('span')
    .attr('aria-hidden', 'true')
    .style('grid-area', ({ row, column }) => `${row} / ${column}`)
    .text(({ text }) => text);
  const buttons = root
    .selectAll<HTMLButtonElement, Choice>('button')
    .data(choices)
    .join((enter) => {
      const button = enter.append('button').attr('type', 'button');
      button.append('canvas');
      return button;
    })
    .style('grid-area', ({ layer, head }) => `${layer + 2} / ${head + 2}`)
    .attr('aria-label', ({ layer, head }) => `Layer ${layer + 1}, ${group.headName(head)}`)
    .on('click', (_, choice) => choose(choice))
    .on('keydown', (event: KeyboardEvent, { layer, head }) => {
      const [down, right] = steps[event.key] ?? [0, 0];
      const [to, at] = [layer + down, head + right];
      if (!steps[event.key] || to < 0 || to >= layers || at < 0 || at >= columns) return;
      event.preventDefault();
      choose({ layer: to, head: at });
      buttons.nodes()[to * columns + at]?.focus();
    });
  buttons.select('canvas').each(function (_, i) {
    const choice = choices[i] as Choice;
    const { weights } = group.head(choice.layer, choice.head);
    paint(this as HTMLCanvasElement, image(weights, T, S, shade(choice), palette, SMALL));
  });
}

/** Marks the head that is shown large, which alone is reached by Tab. */
export function markHead(parent: HTMLElement, chosen: Choice): void {
  const same = ({ layer, head }: Choice) => layer === chosen.layer && head === chosen.head;
  select(parent)
    .selectAll<HTMLButtonElement, Choice>('button')
    .attr('aria-pressed', (choice) => String(same(choice)))
    .attr('tabindex', (choice) => (same(choice) ? 0 : -1));
}
