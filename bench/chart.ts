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
  x: string;
  y: string;
  data: Datum[];
}

export interface Caption {
  title: string;
  subtitle: string;
}

const top = 56;
const left = 16;

export async function drawChart({ kind, x, y, data }: Chart, { title, subtitle }: Caption): Promise<string> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const series = [...new Set(data.map((d) => d.series))];
  const groups = [...new Set(data.map((d) => d.x))];

  const shared = {
    document: parseHTML('<!doctype html><body></body>').document,
    width: 760,
    marginTop: top,
    marginBottom: 40,
    color: { domain: series, scheme: 'Observable10' as const },
  };
  const kinds = {
    bars: () =>
      Plot.plot({
        ...shared,
        height: top + 40 + groups.length * (series.length * 18 + 8),
        marginLeft: 150,
        marginRight: 40,
        x: { label: y, grid: true },
        y: { domain: series, axis: null },
        fy: { domain: groups },
        marks: [
          Plot.axisFy({ anchor: 'left', label: null, tickFormat: (group: string | number) => `${x} ${group}`.trim() }),
          Plot.barX(data, { fy: 'x', y: 'series', x: 'y', fill: 'series' }),
          Plot.text(data, { fy: 'x', y: 'series', x: 'y', text: (d: Datum) => digits(d.y), textAnchor: 'start', dx: 4 }),
        ],
      }),
    lines: () =>
      Plot.plot({
        ...shared,
        height: 400,
        x: { label: x, type: 'log', base: 2, ticks: groups as number[], tickFormat: String },
        marginLeft: 60,
        y: { label: y, labelAnchor: 'center', grid: true, zero: true },
        marks: [Plot.lineY(data, { x: 'x', y: 'y', stroke: 'series', strokeWidth: 2, marker: 'dot' })],
      }),
  } as const;
  const svg = kinds[kind]();
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('font-family', 'system-ui, sans-serif');
  const color = svg.scale('color') as unknown as { apply(name: string): string };
  return withCaption(
    svg.outerHTML,
    title,
    subtitle,
    series.map((name) => [name, color.apply(name)]),
  );
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Title, machine and legend are written into the margin above the chart: Plot's own would be HTML around it. */
function withCaption(svg: string, title: string, subtitle: string, legend: string[][]): string {
  let at = left;
  const swatches = legend.map(([name = '', color]) => {
    const swatch = `<rect x="${at}" y="36" width="10" height="10" fill="${color}"/><text x="${at + 14}" y="45">${escaped(name)}</text>`;
    at += 30 + name.length * 6.2;
    return swatch;
  });
  const caption = [
    '<rect width="100%" height="100%" fill="white"/><g font-size="11" fill="black" text-anchor="start">',
    `<text x="${left}" y="14" font-size="14" font-weight="600">${escaped(title)}</text>`,
    `<text x="${left}" y="29" fill="#555">${escaped(subtitle)}</text>`,
    ...swatches,
    '</g>',
  ].join('');
  const end = svg.indexOf('>') + 1;
  return `${svg.slice(0, end)}${caption}${svg.slice(end)}\n`;
}
