/**
 * The suite by itself: `node scripts/run.mjs test/runtimes/main.ts [PART OF A NAME …]` runs it in every runtime, or in those whose names have
 * one of the parts, and prints what failed. Exit code 1 where anything did.
 */
import { join } from 'node:path';
import type { Result } from './check.js';
import { root } from './runner.js';
import { runners } from './runners.js';

const parts = process.argv.slice(2).map((part) => part.toLowerCase());
for (const { name, missing, run } of runners) {
  if (parts.length && !parts.some((part) => name.toLowerCase().includes(part))) continue;
  const why = missing();
  if (why) {
    console.log(`${name}: ${why}`);
    continue;
  }
  const began = performance.now();
  try {
    const { value, peakMiB } = await run<Result[]>(join(root, 'test/runtimes/suite.ts'));
    const failed = value.filter(({ error }) => error !== undefined);
    const skipped = value.filter((result) => result.skipped !== undefined);
    const peak = peakMiB === undefined ? '' : `, ${peakMiB.toFixed(0)} MiB at the peak`;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${name}: ${value.length - failed.length - skipped.length} of ${value.length} passed, ${skipped.length} skipped; ${seconds} s${peak}`,
    );
    for (const result of failed) console.log(`  ${result.name}\n    ${result.error?.replaceAll('\n', '\n    ')}`);
    if (failed.length) process.exitCode = 1;
  } catch (error) {
    console.log(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
