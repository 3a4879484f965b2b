/**
 * Says how a run went in one plain line: `node scripts/report.mjs REPORT CODE [CODE…]`, with vitest's JSON report, its exit
 * code, and the exit codes of other checks. Fails when a check or a test did, when no test ran, and when vitest failed for
 * another reason, an error outside of any test.
 */
import { readFileSync } from 'node:fs';

const [file = '', code, ...codes] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests: skipped = 0 } = text ? JSON.parse(text) : {};
const testsFailed = numFailedTests || (code === '0' && passed ? 0 : 1);
const checksFailed = codes.filter((other) => other !== '0').length;
const failed = testsFailed + checksFailed;
console.log(`${passed + codes.length - checksFailed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed ? 1 : 0;
