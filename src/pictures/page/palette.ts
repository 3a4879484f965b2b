/**
 * One hue from the page's surface to its ink, in even steps of CIELAB, so that equal differences look equal. The ends come from the style, which knows whether the
 * page is dark. A shade maps weights to steps: in proportion, or by their square roots, which tells small weights apart; the legend shows it.
 */
import { axisBottom } from 'd3-axis';
import { interpolateLab, quantize } from 'd3-interpolate';
import { type ScalePower, scalePow } from 'd3-scale';
import { select } from 'd3-selection';

const STEPS = 256;

export interface Palette {
  /** Colour of a share of 0 to 1, as ImageData has it (red lowest) and as CSS has it. */
  pixel(share: number): number;
  css(share: number): string;
  /** Colour of text that is readable on it. */
  ink(share: number): string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const [low, high, ink] = ['--low', '--high', '--ink'].map((name) => style.getPropertyValue(name).trim()) as [string, string, string];
  const colors = quantize(interpolateLab(low, high), STEPS);
  const pixels = Uint32Array.from(colors, (color) => {
    const [r = 0, g = 0, b = 0] = (color.match(/\d+/g) ?? []).map(Number);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
  const step = (share: number) => Math.round(share * (STEPS - 1));
  return {
    pixel: (share) => pixels[step(share)] as number,
    css: (share) => colors[step(share)] as string,
    ink: (share) => (share > 0.5 ? low : ink),
  };
}

/** Scale of weights from 0 to the largest → 0 to 1. */
export type Shade = ScalePower<number, number>;
export const exponents = { linear: 1, 'square root': 0.5 } as const;
export type ShadeName = keyof typeof exponents;
export const shadeOf = (most: number, name: ShadeName): Shade =>
  scalePow([0, most || 1], [0, 1])
    .exponent(exponents[name])
    .clamp(true);

const [WIDTH, HEIGHT, MARGIN, BARS] = [168, 8, 32, 84];

/** Draws a bar from 0 to the largest weight, with ticks. */
export function drawLegend(parent: Element, palette: Palette, shade: Shade): void {
  const x = shade.copy().range([0, WIDTH]);
  const svg = select(parent)
    .selectAll('svg')
    .data([shade])
    .join('svg')
    .attr('width', WIDTH + 2 * MARGIN)
    .attr('height', HEIGHT + 34);
  svg
    .selectAll('rect')
    .data(quantize((share) => share, BARS))
    .join('rect')
    .attr('x', (_, i) => MARGIN + (i * WIDTH) / BARS)
    .attr('width', WIDTH / BARS + 0.5)
    .attr('height', HEIGHT)
    .attr('fill', palette.css);
  const axis = axisBottom(x)
    .ticks(shade.exponent() === 1 ? 5 : 3)
    .tickSize(3)
    .tickPadding(4);
  svg
    .selectAll('text.title')
    .data(['weight, of 1 for each token that looks'])
    .join('text')
    .attr('class', 'title')
    .attr('x', MARGIN + WIDTH / 2)
    .attr('y', HEIGHT + 32)
    .text((text) => text);
  svg
    .selectAll<SVGGElement, Shade>('g.axis')
    .data([shade])
    .join('g')
    .attr('class', 'axis')
    .attr('transform', `translate(${MARGIN}, ${HEIGHT})`)
    .call(axis);
}
