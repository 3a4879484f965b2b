import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/setup.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    // Engines under test start threads of their own, which spin: half of the cores is left to them.
    maxWorkers: Math.max(1, Math.floor(availableParallelism() / 2)),
    // Tests run against what ships: dist is Node's to load, not Vite's to transform.
    server: { deps: { external: [/\/dist\//] } },
  },
});
