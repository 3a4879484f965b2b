/**
 * One head, large: weights on a canvas, tokens on both axes, a cross over the selected weight. Queries go downwards, keys across. Cells are as large as the page
 * allows; where they are too small for every label, every n-th token has one, and so have the tokens of the selected cell.
 */
import { axisLeft, axisTop } from 'd3-axis';
import { scaleLinear } from 'd3-scale';
import { type Selection, select } from 'd3-selection';
import type { Group, Head } from './group.js';
import type { Palette, Shade } from './palette.js';
import { image } from './pixels.js';
import { cut, visible } from './tokens.js';

export interface Cell {
  query: number;
  key: number;
}

const LABEL = 18; // letters
/** Pixels from label to label: upright, and turned by 45 degrees. */
const [LINE, SLANTED] = [15, 21];
const GAP = 8;
/** Pixels for the name of an axis. */
const TITLE = 18;
const LARGEST = 40;
/** Pixels from which on cells have a line between them. */
const RULED = 7;

export class HeatMap {
  readonly #canvas: HTMLCanvasElement;
  readonly #svg: Selection<SVGSVGElement, unknown, null, undefined>;
  readonly #measure = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
  #cell = 1;
  #left = 0;
  #top = 0;
  #turned = false;
  #queries: string[] = [];
  #keys: string[] = [];

  constructor(
    readonly parent: HTMLElement,
    onPoint: (cell: Cell | undefined) => void,
    onPick: (cell: Cell | undefined) => void,
  ) {
    this.#canvas = parent.appendChild(document.createElement('canvas'));
    this.#svg = select(parent).append('svg').attr('aria-hidden', 'true');
    for (const name of ['title key', 'title query']) this.#svg.append('text').attr('class', name);
    for (const name of ['axis key', 'axis query', 'cross']) this.#svg.append('g').attr('class', name);
    this.#svg
      .on('pointermove', (event: PointerEvent) => onPoint(this.#cellAt(event)))
      .on('pointerleave', () => onPoint(undefined))
      .on('click', (event: PointerEvent) => onPick(this.#cellAt(event)));
  }

  draw(group: Group, head: Head, shade: Shade, palette: Palette): void {
    this.#queries = group.queries.map((token) => cut(visible(token), LABEL));
    this.#keys = group.keys.map((token) => cut(visible(token), LABEL));
    const [T, S] = [this.#queries.length, this.#keys.length];
    this.#place(T, S);
    const [width, height] = [S * this.#cell, T * this.#cell];
    this.#paint(image(head.weights, T, S, shade, palette), width, height, palette.css(0));
    this.#svg.attr('width', this.#left + width + this.#overhang()).attr('height', this.#top + height + GAP);
    this.#axes(T, S);
    this.#titles(group.sides, width, height);
  }

  /** Marks the selected weight, or none. */
  point(cell: Cell | undefined): void {
    const [left, top, size] = [this.#left, this.#top, this.#cell];
    const [width, height] = [this.#keys.length * size, this.#queries.length * size];
    const cells = cell ? [cell] : [];
    const group = this.#svg.select('g.cross');
    const bands = cells.flatMap(({ query, key }) => [
      { x: left, y: top + query * size, width, height: size },
      { x: left + key * size, y: top, width: size, height },
    ]);
    group
      .selectAll('rect')
      .data(bands)
      .join('rect')
      .attr('x', (d) => d.x)
      .attr('y', (d) => d.y)
      .attr('width', (d) => d.width)
      .attr('height', (d) => d.height)
      .attr('stroke-width', size < RULED ? 0.5 : 1.5);
    // Labels near the selected cell make room for those of the cell.
    for (const axis of ['query', 'key'] as const) {
      const apart = axis === 'key' && this.#turned ? SLANTED : LINE;
      const near = (i: unknown) => cell && Math.abs(Number(i) - cell[axis]) * size < apart;
      this.#svg.selectAll(`g.${axis} .tick`).attr('visibility', (i) => (near(i) ? 'hidden' : null));
    }
    const labels = cells.flatMap(({ query, key }) => [
      { text: this.#queries[query] as string, at: `translate(${left - GAP}, ${top + (query + 0.5) * size})`, key: false },
      { text: this.#keys[key] as string, at: `translate(${left + (key + 0.5) * size}, ${top - GAP})`, key: true },
    ]);
    group
      .selectAll('text')
      .data(labels)
      .join('text')
      .attr('transform', (d) => `${d.at}${d.key && this.#turned ? ' rotate(-45)' : ''}`)
      .attr('text-anchor', (d) => (d.key ? (this.#turned ? 'start' : 'middle') : 'end'))
      .attr('dy', (d) => (d.key && !this.#turned ? 0 : '0.32em'))
      .text((d) => d.text);
  }

  /** Places the cells, which are square and whole pixels wide, unless they would be too small. */
  #place(T: number, S: number): void {
    this.#measure.font = `12px ${getComputedStyle(this.parent).fontFamily}`;
    const widest = (labels: string[]) => labels.reduce((most, label) => Math.max(most, this.#measure.measureText(label).width), 0);
    const [queries, keys] = [widest(this.#queries), widest(this.#keys)];
    const box = this.parent.clientWidth;
    const height = Math.max(360, innerHeight - 300);
    this.#left = TITLE + Math.ceil(queries) + GAP + 2;
    const sizeFor = (margin: number) => {
      const size = Math.min((box - this.#left - margin - 2) / S, height / T, LARGEST);
      return size >= 3 ? Math.floor(size) : Math.max(size, 0.25);
    };
    this.#cell = sizeFor(0);
    this.#turned = keys > this.#cell - 4;
    if (this.#turned) this.#cell = sizeFor(Math.SQRT1_2 * keys);
    this.#top = TITLE + Math.ceil(this.#turned ? Math.SQRT1_2 * (keys + 12) : 12) + GAP + 2;
    this.#widest = keys;
  }

  #widest = 0;
  #overhang(): number {
    return this.#turned ? Math.SQRT1_2 * this.#widest + 2 : 2;
  }

  #paint(made: ImageData, width: number, height: number, ground: string): void {
    const ratio = devicePixelRatio || 1;
    const canvas = this.#canvas;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px`, left: `${this.#left}px`, top: `${this.#top}px` });
    const small = document.createElement('canvas');
    [small.width, small.height] = [made.width, made.height];
    small.getContext('2d')?.putImageData(made, 0, 0);
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    // With more weights than pixels, neighbours are blended rather than left out.
    context.imageSmoothingEnabled = this.#cell * ratio < 1;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    if (this.#cell < RULED) return;
    context.fillStyle = ground;
    const step = this.#cell * ratio;
    for (let x = step; x < canvas.width - 1; x += step) context.fillRect(Math.round(x), 0, 1, canvas.height);
    for (let y = step; y < canvas.height - 1; y += step) context.fillRect(0, Math.round(y), canvas.width, 1);
  }

  #titles({ queries, keys }: Group['sides'], width: number, height: number): void {
    const same = queries === keys;
    const middle = this.#top + height / 2;
    this.#svg
      .select('text.title.key')
      .attr('x', this.#left + width / 2)
      .attr('y', 12)
      .text(`${same ? 'tokens' : `${keys} tokens`} that are looked at`);
    this.#svg
      .select('text.title.query')
      .attr('transform', `translate(12, ${middle}) rotate(-90)`)
      .text(`${same ? 'tokens' : `${queries} tokens`} that look`);
  }

  #axes(T: number, S: number): void {
    const size = this.#cell;
    const every = (count: number, apart: number) => {
      const step = Math.ceil(apart / size);
      return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
    };
    const along = (count: number) => scaleLinear([-0.5, count - 0.5], [0, count * size]);
    const keys = axisTop(along(S))
      .tickValues(every(S, this.#turned ? SLANTED : LINE))
      .tickFormat((i) => this.#keys[Number(i)] ?? '')
      .tickSize(0)
      .tickPadding(GAP);
    const queries = axisLeft(along(T))
      .tickValues(every(T, LINE))
      .tickFormat((i) => this.#queries[Number(i)] ?? '')
      .tickSize(0)
      .tickPadding(GAP);
    const place = `translate(${this.#left}, ${this.#top})`;
    const across = this.#svg.select<SVGGElement>('g.key').attr('transform', place).call(keys);
    this.#svg.select<SVGGElement>('g.query').attr('transform', place).call(queries);
    across
      .selectAll('text')
      .attr('text-anchor', this.#turned ? 'start' : 'middle')
      .attr('y', 0)
      .attr('dy', this.#turned ? '0.32em' : 0)
      .attr('transform', `translate(0, ${-GAP})${this.#turned ? ' rotate(-45)' : ''}`);
  }

  /** Returns the map with its axes as one picture. */
  get picture(): SVGSVGElement {
    // The copy is made in a document that loads nothing, since the page's policy lets it load no image.
    const svg = document.implementation.createDocument(null, null).importNode(this.#svg.node() as SVGSVGElement, true);
    const canvas = this.#canvas;
    const { left, top, width, height } = canvas.style;
    select(svg)
      .insert('image', ':first-child')
      .attr('x', Number.parseFloat(left))
      .attr('y', Number.parseFloat(top))
      .attr('width', Number.parseFloat(width))
      .attr('height', Number.parseFloat(height))
      .attr('href', canvas.toDataURL());
    return svg;
  }

  #cellAt(event: PointerEvent): Cell | undefined {
    const { left, top } = (this.#svg.node() as SVGSVGElement).getBoundingClientRect();
    const key = Math.floor((event.clientX - left - this.#left) / this.#cell);
    const query = Math.floor((event.clientY - top - this.#top) / this.#cell);
    const inside = query >= 0 && query < this.#queries.length && key >= 0 && key < this.#keys.length;
    return inside ? { query, key } : undefined;
  }
}
