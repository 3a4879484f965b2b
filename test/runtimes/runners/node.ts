/** This Node and the others, Deno and Bun: a process each, which prints what the program returns. */
import { binaryOf } from '../../../scripts/runtimes.mjs';
import { bundleProgram, folders, type Runner, runProcess } from '../runner.js';

interface Options {
  binary: string | undefined;
  /** Arguments before the program. */
  flags?: string[];
  relaxed: boolean;
}

const runner = (name: string, { binary, flags = [], relaxed }: Options): Runner => ({
  name,
  missing: () => (binary ? undefined : `${name} is not here; \`node scripts/runtimes.mjs\` installs it`),
  async run(program, args) {
    const input = { relaxed, args, folders };
    // heed stays outside of the bundle: each runtime finds the package, and picks its entry, as it does for a user.
    const file = await bundleProgram('node-main.ts', program, input, { platform: 'node', packages: 'external' });
    const { value, ...rest } = await runProcess(binary ?? '', [...flags, file]);
    return { value: JSON.parse(value.trim().split('\n').at(-1) ?? ''), ...rest };
  },
});

const relaxedFrom = 22;

export const runners: Runner[] = [
  runner(`Node ${process.versions.node} (this one)`, {
    binary: process.execPath,
    relaxed: Number.parseInt(process.versions.node, 10) >= relaxedFrom,
  }),
  runner('Node 22', { binary: binaryOf('node22'), relaxed: true }),
  runner('Node 24', { binary: binaryOf('node24'), relaxed: true }),
  runner('Deno', { binary: binaryOf('deno'), flags: ['run', '--allow-all', '--quiet'], relaxed: true }),
  runner('Bun', { binary: binaryOf('bun'), flags: ['run'], relaxed: true }),
];
