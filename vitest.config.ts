import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const at = (file: string) => new URL(`dist/${file}`, import.meta.url).pathname;

export default defineConfig({
  // Tests import heed's modules as tsc wrote them, some through the package's names and some by path: both must be the same.
  // What ships, the bundles of these, is tested by the runtimes, the command and the package.
  resolve: {
    alias: [
      { find: /^heed$/, replacement: at('entry/node.js') },
      { find: /^heed\/server$/, replacement: at('entry/server.js') },
      { find: /^heed\/core$/, replacement: at('entry/core-node.js') },
      { find: /^heed\/structured$/, replacement: at('generation/grammar/index.js') },
      { find: /^heed\/(nn|ops|train|pictures|ai|langchain)$/, replacement: at('$1/index.js') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/setup.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for has as long as its test: on a machine that is busy, a process or a page does not answer within the second that polls have by default.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Engines under test start threads of their own, which spin: half of the cores is left to them, but much of a test's time is waiting for processes and servers.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
    // dist is Node's to load, not Vite's to transform.
    server: { deps: { external: [/\/dist\//] } },
  },
});
