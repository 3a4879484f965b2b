/** The command under Node 22, in CI under Node 24, Deno and Bun, too: with --deterministic the same bytes, for a text alone or among others, whatever the number of threads. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { tinyPath } from '../models/files.js';
import { shared } from '../shared.js';
import { someOf } from '../thorough.js';
import { run } from './command.js';

const runtimes: Readonly<Record<string, (string | undefined)[]>> = {
  'Node 22': [binaryOf('node22')],
  'Node 24': [binaryOf('node24')],
  Deno: [binaryOf('deno'), 'run', '--allow-all', '--quiet'],
  Bun: [binaryOf('bun'), 'run'],
};

const minilm = shared('models/all-MiniLM-L6-v2');
const models = [tinyPath, ...(existsSync(minilm) || process.env.HEED_REQUIRE_SHARED ? [minilm] : [])];
const texts = ['a cat', 'naïve café 東京 🙂', 'The quick brown fox jumps over the lazy dog while it rains.'];

/** Lines of `heed embed`, one per text. */
async function lines(command: readonly string[], model: string, some: readonly string[], threads = 1): Promise<string[]> {
  const flags = ['--deterministic', '--json', '--threads', String(threads), '--model', model];
  const { code, stdout, stderr } = await run(['embed', ...flags, ...some], '', [...command]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trimEnd().split('\n');
}

describe.each(someOf(Object.entries(runtimes)))('heed embed --deterministic under %s', (name, command) => {
  const missing = command[0] ? undefined : `${name} is not here; \`node scripts/runtimes.mjs\` installs it`;
  it.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES).each(models)(
    'prints what it prints here: %s',
    async (model) => {
      if (missing) throw new Error(missing);
      const here = await lines([process.execPath], model, texts);
      expect(here).toHaveLength(texts.length);
      const binary = command as string[];
      expect(await lines(binary, model, texts, 2)).toEqual(here);
      for (const [i, text] of texts.entries()) expect(await lines(binary, model, [text])).toEqual([here[i]]);
    },
    120_000,
  ); // five processes, one after the other

  it.skipIf(missing)(
    'has the same exit codes',
    async () => {
      const codes = async (runtime: string[]) =>
        Promise.all(
          [['--help'], ['embed', '--frobnicate'], ['embed', 'a', '--model', '/nowhere']].map(
            async (args) => (await run(args, '', runtime)).code,
          ),
        );
      expect(await codes(command as string[])).toEqual(await codes([process.execPath]));
    },
    60_000,
  );
});
