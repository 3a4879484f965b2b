/** What processes of Node, Deno and Bun run. */
import * as heed from 'heed';
import program from 'program';

declare const INPUT: { relaxed: boolean; args: unknown; folders: Record<string, string> };

const { relaxed, args, folders } = INPUT;
const value = await program(
  heed,
  {
    ...{ threads: true, relaxed, page: false, hosted: false, folders: Object.keys(folders), memory: undefined },
    locate: (path) => path.replace(/^\w+/, (first) => folders[first] ?? first),
  },
  args,
);
console.log(JSON.stringify(value));
