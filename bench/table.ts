/**
 * Results as aligned text. A row is a record of texts and numbers; its keys are the columns, in the order in which they first appear.
 */

export type Row = Record<string, string | number | undefined>;

/** Three digits that count, and never an exponent: 0.0123, 1.23, 12.3, 123, 1234. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(2 - magnitude, 0), 12));
}

export function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const cell = (value: Row[string]) => (typeof value === 'number' && !Number.isInteger(value) ? digits(value) : String(value ?? ''));
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === 'number'));
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const align = (text: string, i: number) => (isNumber[i] ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number));
  return lines.map((line) => line.map(align).join('  ').trimEnd()).join('\n');
}
