/**
 * Where results go: a table on the terminal (table.ts), a JSON file with all there is to know about the run, and a chart (chart.ts). Files
 * are written under another name first, so that a reader never sees half of one.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { type Chart, drawChart } from './chart.js';
import { type Row, table } from './table.js';

export interface Report {
  /** What was measured, in a line. */
  title: string;
  rows: Row[];
  /** What the table does not say: versions, options, checks. */
  notes?: string[];
  chart?: Chart;
}

export interface Outputs {
  json?: string | undefined;
  svg?: string | undefined;
}

/** The machine, the runtime and the command: a figure without them says nothing. */
export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    system: `${process.platform} ${release()} ${process.arch}`,
    runtime: `node ${process.versions.node} (V8 ${process.versions.v8})`,
    date: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
  };
}

export function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.part`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
}

/** Prints a report and writes the files that were asked for. */
export async function publish(report: Report, { json, svg }: Outputs): Promise<void> {
  const { cpu, cores, runtime } = machine();
  console.log([`\n${report.title}`, `${cpu}, ${cores} cores, ${runtime}`, ...(report.notes ?? []), '', table(report.rows)].join('\n'));
  const { title, notes = [], rows } = report;
  if (json) writeWhole(json, `${JSON.stringify({ title, machine: machine(), notes, rows }, null, 2)}\n`);
  if (svg) {
    if (!report.chart) throw new Error('this command draws no chart; leave out --svg');
    writeWhole(svg, await drawChart(report.chart, { title, subtitle: `${cpu}, ${cores} cores, ${runtime}` }));
  }
}
