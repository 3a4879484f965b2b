/** What processes of Node, Deno and Bun run. */
import { join } from 'node:path';
import * as heed from 'heed';
import program from 'program';

declare const INPUT: { relaxed: boolean; args: unknown; root: string; shared: string | undefined };

const { relaxed, args, root, shared } = INPUT;
const value = await program(
  heed,
  {
    ...{ threads: true, relaxed, page: false, hosted: false, shared: shared !== undefined, memory: undefined },
    locate: (path) => (path.startsWith('shared/') ? join(shared ?? '', path.slice('shared/'.length)) : join(root, 'test', path)),
  },
  args,
);
console.log(JSON.stringify(value));
