/**
 * Learning curves beside each other, as charts for model cards and pages: `npm run bench -- curves --curves "heed=run/curve.json,PyTorch=other.json" --svg FILE`.
 * A curve is a file { "curve": [{ step, train_loss, valid_loss, valid_accuracy }] }, as `heed train` and the recipes write it. Nothing is measured here.
 */
import { readFileSync } from 'node:fs';
import type { Chart, Datum } from './chart.js';
import type { Command } from './command.js';
import type { Row } from './table.js';

export interface CurvePoint {
  step: number;
  train_loss: number;
  valid_loss: number;
  /** 0 to 1. */
  valid_accuracy: number;
}

export interface Curve {
  name: string;
  points: CurvePoint[];
}

const numbers = ['step', 'train_loss', 'valid_loss', 'valid_accuracy'] as const;

/** Throws for a file that is none, and says what is wrong with it. */
export function readCurve(name: string, file: string): Curve {
  const { curve } = JSON.parse(readFileSync(file, 'utf8')) as { curve?: CurvePoint[] };
  if (!Array.isArray(curve) || curve.length === 0) throw new Error(`${file} has no curve: { "curve": [{ "${numbers.join('", "')}" }] }`);
  for (const [i, point] of curve.entries())
    for (const number of numbers) if (!Number.isFinite(point[number])) throw new Error(`${file}: point ${i} of the curve has no ${number}`);
  return { name, points: curve };
}

/** Losses, of which those of training are broken lines, and the accuracy in percent. */
export function curveCharts(title: string, curves: readonly Curve[]): Chart[] {
  const series = (y: (point: CurvePoint) => number, what = ''): Datum[] =>
    curves.flatMap(({ name, points }) => points.map((point) => ({ x: point.step, y: y(point), series: `${name}${what}` })));
  const validation = series((point) => point.valid_loss, ', validation');
  const training = series((point) => point.train_loss, ', training');
  const shared = { kind: 'lines', title, x: 'step' } as const;
  return [
    {
      ...shared,
      name: 'loss',
      y: 'cross entropy per target token',
      data: [...validation, ...training],
      subtitle: 'Mean cross entropy per target token; in training with label smoothing and dropout',
      reference: training.map((d) => d.series),
      hue: (name) => name.replace(/, \w+$/, ''),
    },
    {
      ...shared,
      name: 'accuracy',
      y: 'accuracy, %',
      data: series((point) => 100 * point.valid_accuracy),
      subtitle: 'Share of the tokens of the validation data that the model would have predicted, given those before',
    },
  ];
}

/** Where the curves end, and by how much their validation losses differ from the first one's at the most. */
function compared(curves: readonly Curve[]): Row[] {
  const [first] = curves;
  const at = new Map(first?.points.map((point) => [point.step, point.valid_loss]));
  return curves.map(({ name, points }) => {
    const { step, train_loss, valid_loss, valid_accuracy } = points.at(-1) as CurvePoint;
    const apart = points.flatMap((point) => (at.has(point.step) ? [Math.abs(point.valid_loss / (at.get(point.step) as number) - 1)] : []));
    const most = apart.length ? `${(100 * Math.max(...apart)).toFixed(2)} %` : '';
    return {
      curve: name,
      step,
      'training loss': train_loss,
      'validation loss': valid_loss,
      'accuracy, %': 100 * valid_accuracy,
      'largest difference': most,
    };
  });
}

export const command: Command = {
  async run({ curves = [], title = 'Learning curves' }) {
    if (curves.length === 0) throw new Error('name curves to draw: --curves "NAME=FILE,NAME=FILE"');
    const read = curves.map((named) => {
      const [name = '', file] = named.split(/=(.*)/s);
      if (!file) throw new Error(`--curves takes NAME=FILE, not ${named}`);
      return readCurve(name, file);
    });
    return { title, tables: [{ rows: compared(read) }], charts: curveCharts(title, read), raw: read };
  },
};
