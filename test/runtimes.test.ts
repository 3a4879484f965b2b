/** One suite, every runtime: see test/runtimes/suite.ts for the checks. A runtime that is not here is skipped, unless HEED_REQUIRE_RUNTIMES is set. */
import { beforeAll, describe, it } from 'vitest';
import { chromiumRunners } from './runtimes/chromium.js';
import { nodeRunners } from './runtimes/node.js';
import { checks } from './runtimes/suite.js';

for (const runner of [...nodeRunners, ...chromiumRunners])
  describe(runner.name, () => {
    const missing = runner.missing();
    if (missing) {
      it.skipIf(!process.env.HEED_REQUIRE_RUNTIMES)(missing, () => {
        throw new Error(missing);
      });
      return;
    }

    const errors = new Map<string, string | undefined>();
    beforeAll(async () => {
      for (const { name, error } of await runner.run()) errors.set(name, error);
    }, 150_000);

    it.each(Object.keys(checks))('%s', (name) => {
      if (!errors.has(name)) throw new Error('did not run');
      const error = errors.get(name);
      if (error !== undefined) throw new Error(error);
    });
  });
