/**
 * One suite, every runtime: see test/runtimes/suite.ts for the checks. Where not everything is asked for it runs in this Node and in a page. A runtime that is not here is
 * skipped, unless HEED_REQUIRE_RUNTIMES is set.
 */
import { join } from 'node:path';
import { beforeAll, describe, it } from 'vitest';
import type { Result } from './runtimes/check.js';
import { OPENING, PATIENCE, root } from './runtimes/runner.js';
import { runners } from './runtimes/runners.js';
import { checks } from './runtimes/suite.js';
import { thorough } from './thorough.js';

/** What has least in common. */
const part = runners.filter(({ name }) => name.includes('this one') || name === 'Chromium, isolated');

for (const runner of thorough ? runners : part)
  describe(runner.name, () => {
    const missing = runner.missing();
    if (missing) {
      it.skipIf(!process.env.HEED_REQUIRE_RUNTIMES)(missing, () => {
        throw new Error(missing);
      });
      return;
    }

    const results = new Map<string, Result>();
    beforeAll(
      async () => {
        const { value, peakMiB } = await runner.run<Result[]>(join(root, 'test/runtimes/suite.ts'));
        for (const result of value) results.set(result.name, result);
        if (peakMiB) console.log(`${runner.name}: ${peakMiB.toFixed(0)} MiB at the peak`);
      },
      2 * (PATIENCE + OPENING),
    );

    it.for(Object.keys(checks))('%s', (name, context) => {
      const result = results.get(name);
      if (!result) throw new Error('did not run');
      if (result.error !== undefined) throw new Error(result.error);
      if (result.missing && process.env.HEED_REQUIRE_SHARED) throw new Error(result.skipped);
      context.skip(result.skipped !== undefined, result.skipped);
    });
  });
