/**
 * Draws a report's chart as an SVG file with Observable Plot, which takes its document from linkedom as there is no browser. Two kinds:
 * bars in groups, to compare things at several sizes, and lines, to show how something scales. Both libraries are the bench's own and
 * load only when a chart is asked for.
 */
import { digits } from './table.js';

/** One mark: a bar or a point. */
export interface Datum {
  /** The group of a bar, the position of a point. */
  x: string | number;
  y: number;
  series: string;
}

export interface Chart {
  kind: 'bars' | 'lines';
  title: string;
  /** Instead of the machine that drew it. */
  subtitle?: string;
  /** Tells it from others of the same report, in the name of its file. */
  name?: string;
  x: string;
  y: string;
  data: Datum[];
  /** Series that are no measurement, drawn as broken lines. */
  reference?: string[];
  /** What series of one colour have in common. Default: each has a colour of its own. */
  hue?: (series: string) => string;
  /** Logarithmic axes of lines. */
  logarithmic?: readonly ('x' | 'y')[];
  /** The highest y, where it is known beforehand. */
  most?: number;
}

const width = 760;
const left = 16;
/** A letter of the legend, a row of it. */
const letter = 6.2;
const legendRow = 16;

/** Positions that all have a tick and a dot; of more, the eye follows the line. */
const few = 12;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export async function drawChart(chart: Chart, subtitle: string): Promise<string> {
  const { kind, x, y, data, reference = [], logarithmic = [], most, hue = (name: string) => name } = chart;
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const series = [...new Set(data.map((d) => d.series))];
  const groups = [...new Set(data.map((d) => d.x))];
  const places = legendPlaces(series);
  const top = 56 + (places.at(-1)?.row ?? 0) * legendRow;

  const hues = Plot.scale({ color: { type: 'ordinal', domain: [...new Set(series.map(hue))], scheme: 'Observable10' } });
  const shared = {
    document: parseHTML('<!doctype html><body></body>').document,
    width,
    marginTop: top,
    marginBottom: 40,
    color: { domain: series, range: series.map((name) => hues?.apply(hue(name)) as string) },
  };
  const nameOf = (group: string | number) => `${x} ${group}`.trim();
  const scaleOf = (axis: 'x' | 'y') =>
    logarithmic.includes(axis) ? ({ type: 'log', base: axis === 'x' ? 2 : 10 } as const) : { zero: true };
  const isReference = (d: Datum) => reference.includes(d.series);
  const lineOptions = { x: 'x', y: 'y', stroke: 'series', strokeWidth: 2 } as const;
  const kinds = {
    bars: () =>
      Plot.plot({
        ...shared,
        height: top + 40 + groups.length * (series.length * 18 + 8),
        marginLeft: Math.max(150, left + letter * Math.max(...groups.map((group) => nameOf(group).length))),
        marginRight: 40,
        x: { label: y, grid: true },
        y: { domain: series, axis: null },
        fy: { domain: groups },
        marks: [
          Plot.axisFy({ anchor: 'left', label: null, tickFormat: nameOf }),
          Plot.barX(data, { fy: 'x', y: 'series', x: 'y', fill: 'series' }),
          Plot.text(data, { fy: 'x', y: 'series', x: 'y', text: (d: Datum) => digits(d.y), textAnchor: 'start', dx: 4 }),
        ],
      }),
    lines: () =>
      Plot.plot({
        ...shared,
        height: top + 344,
        marginLeft: 60,
        marginRight: 30,
        x: { label: x, ...scaleOf('x'), ...(groups.length <= few && { ticks: groups as number[] }), tickFormat: String },
        y: {
          ...{ label: y, labelAnchor: 'center', labelArrow: 'none', grid: true, nice: true, tickFormat: String },
          ...(most === undefined ? scaleOf('y') : { domain: [0, most] }),
        },
        // The first series lies on top.
        marks: [
          Plot.lineY(data.toReversed(), { ...lineOptions, filter: isReference, strokeDasharray: '5 4' }),
          Plot.lineY(data.toReversed(), {
            ...lineOptions,
            filter: (d: Datum) => !isReference(d),
            ...(groups.length <= few && { marker: 'dot' }),
          }),
        ],
      }),
  } as const;
  const svg = kinds[kind]();
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('font-family', 'system-ui, sans-serif');
  const color = svg.scale('color') as unknown as { apply(name: string): string };
  const swatches = places.map(({ name, at, row }) => {
    const [y, fill] = [36 + row * legendRow, color.apply(name)];
    const broken = `<path d="M${at},${y + 5}h4m2,0h4" stroke="${fill}" stroke-width="2"/>`;
    const mark = reference.includes(name) ? broken : `<rect x="${at}" y="${y}" width="10" height="10" fill="${fill}"/>`;
    return `${mark}<text x="${at + 14}" y="${45 + row * legendRow}">${escaped(name)}</text>`;
  });
  return withCaption(svg.outerHTML, [chart.title, subtitle], swatches);
}

/** Names from left to right, in as many rows as they take. */
function legendPlaces(names: string[]) {
  let [at, row] = [left, 0];
  return names.map((name) => {
    const needed = 30 + name.length * letter;
    if (at > left && at + needed > width) [at, row] = [left, row + 1];
    const place = { name, at, row };
    at += needed;
    return place;
  });
}

/** Title, machine and legend are written into the margin above the chart: Plot's own would be HTML around it. */
function withCaption(svg: string, [title = '', subtitle = '']: string[], swatches: string[]): string {
  const caption = [
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="white"/><g font-size="11" fill="black" text-anchor="start">',
    `<text x="${left}" y="14" font-size="14" font-weight="600">${escaped(title)}</text>`,
    `<text x="${left}" y="29" fill="#555">${escaped(subtitle)}</text>`,
    ...swatches,
    '</g>',
  ].join('');
  const end = svg.indexOf('>') + 1;
  // Plot's style has a second height, of a kind that no browser knows any more.
  return `${svg.slice(0, end)}${caption}${svg.slice(end).replace(/\s*height: intrinsic;/, '')}\n`;
}
