/** What ships weighs no more than budget.json allows, which has a row for everything that does. */
import { expect, it } from 'vitest';
import { budget, entries, excess, measure, packed } from '../scripts/sizes.mjs';

it('are within the budget', async () => {
  const over: string[] = [];
  const seen: string[] = [];
  for await (const row of measure()) {
    seen.push(row.name);
    expect(row.bytes, row.name).toBeGreaterThan(0);
    over.push(excess(row) ?? '');
  }
  expect(over.filter(Boolean)).toEqual([]);
  expect(seen).toEqual(expect.arrayContaining([...Object.keys(budget.uses), ...Object.keys(budget.files), 'package .']));
}, 60_000);

it('have a limit for each entry of package.json under each of its conditions, and none for what is no entry', () => {
  const names = (rows: Readonly<Record<string, object>>) => Object.entries(rows).map(([name, row]) => [name, Object.keys(row)]);
  expect(Object.fromEntries(names(budget.entries))).toEqual(Object.fromEntries(names(entries())));
});

it('have a limit for each binary, each worker file and the page, and none for what does not ship', () => {
  const loaded = packed().files.flatMap(({ path }) => /^dist\/(wasm|runtime)\/[\w-]+\.(wasm|js)$|^dist\/page\//.exec(path)?.[0] ?? []);
  expect(Object.keys(budget.files).sort()).toEqual([...new Set(loaded)].sort());
});

it('say by how much, and what to do', () => {
  expect(excess({ name: 'heed/nn (default)', unit: 'gzip', bytes: 51_234, limit: 50_000 })).toMatch(
    /^heed\/nn \(default\): 51,234 bytes \(gzip\), 1,234 over its limit of 50,000\. .*raise the limit in budget\.json/,
  );
  expect(excess({ name: 'heed/nn (default)', unit: 'gzip', bytes: 50_000, limit: 50_000 })).toBeUndefined();
});
