/**
 * Results as aligned text, or as a table in Markdown. A row is a record of texts and numbers; its keys are the columns, in the order in
 * which they first appear.
 */

export type Row = Record<string, string | number | undefined>;

/** Three digits that count, and never an exponent: 0.0123, 1.23, 12.3, 123, 1234. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(2 - magnitude, 0), 12));
}

function textOf(rows: readonly Row[]) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const cell = (value: Row[string]) => (typeof value === 'number' && !Number.isInteger(value) ? digits(value) : String(value ?? ''));
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  // Also texts that begin with one, such as 12.3 (11.9 to 12.8).
  const isNumber = columns.map((column) => rows.some((row) => /^\d/.test(cell(row[column]))));
  return { lines, isNumber };
}

export function table(rows: readonly Row[]): string {
  const { lines, isNumber } = textOf(rows);
  const widths = isNumber.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const align = (text: string, i: number) => (isNumber[i] ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number));
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const { lines, isNumber } = textOf(rows);
  const [head = [], ...body] = lines.map((line) => line.map((text) => text.replaceAll('|', '\\|')));
  return [head, isNumber.map((right) => (right ? '---:' : '---')), ...body].map((line) => `| ${line.join(' | ')} |`).join('\n');
}
