/**
 * Where results go: tables on the terminal (table.ts) or in a page, a JSON file with all there is to know about the run, and charts (chart.ts).
 * Files are written under another name first, so that a reader never sees half of one.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Chart, drawChart } from './chart.js';
import { root } from './root.js';
import { markdownTable, type Row, table } from './table.js';

export interface Table {
  caption?: string;
  rows: Row[];
}

export interface Report {
  /** What was measured, in a line. */
  title: string;
  /** What it was measured in, if not in this process. */
  runtime?: string;
  tables: Table[];
  /** What the tables do not say: versions, options, checks. */
  notes?: string[];
  charts?: Chart[];
  /** For the JSON file alone: what the tables were made from. */
  raw?: unknown;
}

export interface Outputs {
  json?: string | undefined;
  svg?: string | undefined;
  markdown?: string | undefined;
}

/** The command without the files that its results went to, which change nothing about them. */
const commandLine = (): string => ['npm run bench --', ...process.argv.slice(2)].join(' ').replace(/ --(json|svg|markdown)[ =]\S+/g, '');

/** The machine, the runtime and the command: a figure without them says nothing. */
function machine({ runtime = `Node ${process.versions.node} (V8 ${process.versions.v8})` }: Report) {
  return {
    heed: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version as string,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    system: `${process.platform} ${release()} ${process.arch}`,
    runtime,
    date: new Date().toISOString(),
    command: commandLine(),
  };
}

export function writeWhole(path: string, content: string): void {
  const unfinished = `${path}.${process.pid}.part`;
  writeFileSync(unfinished, content);
  renameSync(unfinished, path);
}

/** Throws where results could not be written, before anything is measured. */
export function checkOutputs({ json, svg, markdown }: Outputs): void {
  for (const path of [json, svg]) if (path && !existsSync(dirname(path))) throw new Error(`there is no folder ${dirname(path)}`);
  if (markdown) partOf(markdown);
}

/** Prints a report and writes the files that were asked for. */
export async function publish(report: Report, { json, svg, markdown }: Outputs): Promise<void> {
  const about = machine(report);
  const { title, notes = [], tables, charts = [], raw } = report;
  const subtitle = `${about.cpu}, ${about.cores} cores, ${about.runtime}, ${about.date.slice(0, 10)}`;
  console.log([`\n${title}`, subtitle, ...notes, ...tables.flatMap(({ caption = '', rows }) => [`\n${caption}`, table(rows)])].join('\n'));
  if (json) writeWhole(json, `${JSON.stringify({ title, machine: about, notes, tables, raw }, null, 1)}\n`);
  if (svg) {
    if (!charts.length) throw new Error('this command draws no chart; leave out --svg');
    for (const chart of charts) {
      const path = chart.name ? svg.replace(/(\.svg)?$/, `-${chart.name}.svg`) : svg;
      writeWhole(path, await drawChart(chart, chart.subtitle ?? subtitle));
    }
  }
  if (markdown) insert(markdown, asMarkdown(report));
}

function asMarkdown(report: Report): string {
  const { title, notes = [], tables } = report;
  const { heed, cpu, cores, memoryGiB, runtime, date, command } = machine(report);
  const where = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${runtime}, heed ${heed}, ${date.slice(0, 10)}: \`${command}\``;
  const list = [where, ...notes].map((line) => `- ${line}`).join('\n');
  const parts = tables.map(({ caption, rows }) => [caption && `${caption}:`, markdownTable(rows)].filter(Boolean).join('\n\n'));
  return [`${title}.`, list, ...parts].join('\n\n');
}

/** A page, and where in it the part of that name is, for `FILE#NAME`. */
function partOf(target: string) {
  const [file = '', name = ''] = target.split('#');
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  if (!name || !existsSync(file)) throw new Error(`--markdown needs an existing PAGE#PART, not ${target}`);
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no lines ${begin} and ${end}`);
  return { file, page, from: from + begin.length, to };
}

/** Puts text in the place of what the part had. */
function insert(target: string, content: string): void {
  const { file, page, from, to } = partOf(target);
  writeWhole(file, `${page.slice(0, from)}\n\n${content}\n\n${page.slice(to)}`);
}
