/** Every runner there is: what the files in `runners` export. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Runner, root } from './runner.js';

const names = readdirSync(join(root, 'test/runtimes/runners')).sort();
const files: { runners: Runner[] }[] = await Promise.all(names.map((name) => import(`./runners/${name.replace('.ts', '')}.ts`)));

export const runners: Runner[] = files.flatMap((file) => file.runners);
