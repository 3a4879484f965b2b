/** The programs of pages type-check as a user's do who has nothing but `strict`: against the package as its exports give it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { link } from '../consumers/packed.js';
import { pages, root } from './pages.js';
import { programOf } from './program.js';

const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const compilerOptions = {
  ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'] },
  ...{ target: 'ES2022', lib: ['ES2023', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], module: 'ESNext', moduleResolution: 'Bundler' },
};

/** What tsc says of programs, a line an error. Each lies in the folder that its page lies in, so that what it imports from the sources is found. */
function errorsOf(programs: Readonly<Record<string, string>>): string {
  for (const [path, program] of Object.entries(programs)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), program);
  }
  const files = Object.keys(programs);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' }).stdout;
}

link(folder, '@types/node');
symlinkSync(root, join(folder, 'node_modules/heed'));
// Pages for those who work on heed import from src: the declarations of that are in dist.
symlinkSync(join(root, 'dist'), join(folder, 'src'));

it('every block of JavaScript and TypeScript type-checks, as what stands beneath the blocks above it', () => {
  const programs = pages.flatMap((page) => {
    const program = programOf(page);
    return program === undefined ? [] : [[page.replace(/\.md$/, '.ts'), program]];
  });
  expect(programs.length).toBeGreaterThan(10);
  expect(errorsOf(Object.fromEntries(programs))).toBe('');
});

it('a name that is nowhere, an option that there is not and a result that may be absent are errors on their lines', () => {
  const block = (code: string) => `# A page\n\n\`\`\`js\n${code}\n\`\`\`\n`;
  const page = [
    block("import { AutoModel, pipeline } from 'heed';\nconst model = await AutoModel.from_pretrained('x');"),
    block("import { pipeline } from 'heed/core';\n(await model({ input_ids: [[1]] })).attentions[0];"),
    block("export const embed = await pipeline('feature-extraction', 'x', { dtypes: 'q8' });\nnowhere(embed);"),
  ].join('');
  const program = programOf('page.md', page) as string;
  expect(errorsOf({ 'page.ts': program }).match(/^page\.ts\(\d+/gm)).toEqual(['page.ts(11', 'page.ts(16', 'page.ts(17']);
});
