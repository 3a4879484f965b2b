/** Curves of runs over their steps: a drawing for each measure, a colour for each run, training with thin lines. */
import { axisBottom, axisLeft } from 'd3-axis';
import { scaleLinear, scaleLog } from 'd3-scale';
import { select } from 'd3-selection';
import { h, s } from './dom.js';

export type Point = readonly [step: number, value: number];

/** A run with its curves by their tags: train/loss, validation/loss. */
export interface RunCurves {
  readonly id: string;
  readonly curves: Readonly<Record<string, readonly Point[]>>;
}

/** Height of a drawing, and its margins. */
const [HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [240, 52, 28, 12, 28];
/** Hue of the first run. */
const BLUE = 210;

/** Colour of one of several runs, in light and dark. */
export function colorOfRun(place: number, total: number): string {
  const hue = Math.round(BLUE + (360 * place) / total) % 360;
  return `light-dark(hsl(${hue} 80% 32%), hsl(${hue} 85% 72%))`;
}

interface Line {
  readonly run: number;
  readonly isTraining: boolean;
  readonly points: readonly Point[];
}

/** Lines by what they measure: loss, accuracy. */
function measures(runs: readonly RunCurves[]): ReadonlyMap<string, readonly Line[]> {
  const found = new Map<string, Line[]>();
  for (const [run, { curves }] of runs.entries())
    for (const [tag, points] of Object.entries(curves)) {
      const [, side = '', measure = tag] = /^(\w+)\/(.+)$/.exec(tag) ?? [];
      found.set(measure, [...(found.get(measure) ?? []), { run, isTraining: side === 'train', points }]);
    }
  return found;
}

/** Draws all measures of some runs. `total` runs share the colours. */
export function drawCurves(
  parent: HTMLElement,
  runs: readonly RunCurves[],
  places: readonly number[],
  total: number,
  isLog: boolean,
): void {
  const width = Math.max(280, Math.min(620, parent.clientWidth));
  parent.replaceChildren(
    ...[...measures(runs)].map(([measure, lines]) => {
      const both = new Set(lines.map(({ isTraining }) => isTraining)).size > 1;
      const last = lines.map(
        ({ run, isTraining, points }) => `${runs[run]?.id}${isTraining ? ', training' : ''} ${points.at(-1)?.[1].toPrecision(4)}`,
      );
      const color = (run: number) => colorOfRun(places[run] ?? 0, total);
      const note = both ? 'thin: training' : '';
      return h(
        'figure',
        {},
        h('figcaption', {}, h('b', {}, measure.replaceAll('_', ' ')), h('span', {}, note)),
        drawing(width, lines, color, isLog, `${measure}: ${last.join('; ')}`),
      );
    }),
  );
}

/** The least and the largest of numbers, however many there are. */
const span = (values: readonly number[]): [least: number, most: number] => [
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
];

function drawing(width: number, lines: readonly Line[], color: (run: number) => string, isLog: boolean, label: string): SVGElement {
  const all = lines.flatMap(({ points }) => points);
  const [start, stop] = span(all.map(([step]) => step));
  const x = scaleLinear([start, Math.max(stop, start + 1)], [LEFT, width - RIGHT]);
  const [least, most] = span(all.map(([, value]) => value));
  const ends = least === most ? [least - 1, most + 1] : [least, most];
  // Logarithms of what is not above 0 are nowhere.
  const y = (isLog && least > 0 ? scaleLog() : scaleLinear())
    .domain(ends)
    .range([HEIGHT - BOTTOM, TOP])
    .nice();
  const svg = s('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img', 'aria-label': label });
  const axes = select(svg as SVGSVGElement);
  axes
    .append('g')
    .attr('class', 'axis')
    .attr('transform', `translate(0, ${HEIGHT - BOTTOM})`)
    .call(axisBottom(x).ticks(5).tickSize(4));
  axes.append('g').attr('class', 'axis').attr('transform', `translate(${LEFT}, 0)`).call(axisLeft(y).ticks(5, '~g').tickSize(4));
  for (const { run, isTraining, points } of lines) {
    const d = points.map(([step, value], i) => `${i ? 'L' : 'M'}${x(step).toFixed(1)},${y(value).toFixed(1)}`).join('');
    const path = s('path', { d, fill: 'none', 'stroke-width': isTraining ? 1 : 2.2 });
    path.style.stroke = color(run);
    svg.append(path);
    const [only] = points;
    if (!only || points.length > 1) continue;
    const dot = s('circle', { cx: x(only[0]), cy: y(only[1]), r: 3 });
    dot.style.fill = color(run);
    svg.append(dot);
  }
  return svg;
}
