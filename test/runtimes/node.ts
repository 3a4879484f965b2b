/** The suite in this Node and in the others: a process each, which prints its results as JSON. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../../scripts/run.mjs';
import { nodeBinary, nodes } from '../../scripts/runtimes.mjs';
import { type Runner, root } from './runner.js';

const runner = (name: string, binary: string | undefined): Runner => ({
  name,
  missing: () => (binary ? undefined : `${name} is not here; \`node scripts/runtimes.mjs\` installs it`),
  async run() {
    const program = await bundle(join(root, 'test/runtimes/node-main.ts'));
    // A process that does not end is a failure too: threads must not keep one alive.
    const { stdout } = await promisify(execFile)(binary ?? '', [program], { timeout: 120_000, maxBuffer: 2 ** 26 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  },
});

export const nodeRunners: Runner[] = [
  runner(`Node ${process.versions.node} (this one)`, process.execPath),
  ...Object.keys(nodes).map((major) => runner(`Node ${major}`, nodeBinary(major))),
];
