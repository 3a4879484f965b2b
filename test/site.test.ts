/** The site refuses what has no doc comment and links that lead nowhere: `npm run site` builds it of heed, here it is made of small things with gaps. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../scripts/site', import.meta.url));
const program = (path: string) => join(folder, 'node_modules', path);
const typedoc = program('typedoc/bin/typedoc');
const missing = !existsSync(typedoc) && !process.env.HEED_REQUIRE_RUNTIMES;

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(temporary, { recursive: true }));
const at = (file: string) => join(temporary, file);

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  }
}

function run(path: string, ...words: string[]): { failed: boolean; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...words], { cwd: folder, encoding: 'utf8' });
  return { failed: status !== 0, said: stdout + stderr };
}

/** Runs typedoc with the site's own settings, but for some, on one module. */
function make(source: string, settings: object) {
  put({
    'entry.ts': source,
    'tsconfig.json': JSON.stringify({ compilerOptions: { target: 'ES2022', strict: true }, files: ['entry.ts'] }),
    'package.json': JSON.stringify({ name: 'entry' }),
    'typedoc.mjs': `import own from ${JSON.stringify(new URL('../scripts/site/typedoc.config.mjs', import.meta.url).href)};
    export default { ...own, ...${JSON.stringify({ entryPoints: [at('entry.ts')], tsconfig: at('tsconfig.json'), ...settings })} };`,
  });
  return run(typedoc, '--options', at('typedoc.mjs'), '--pretty', 'false');
}

describe.skipIf(missing)('the reference', () => {
  function complaints(source: string): { failed: boolean; names: string[] } {
    const { failed, said } = make(source, { readme: 'none', emit: 'none' });
    const lines = said.split('\n').filter((line) => line.includes('does not have any'));
    return { failed, names: lines.map((line) => /(\w+) \(\w+(?: of [^)]*)?\)/.exec(line)?.[1] ?? line).sort() };
  }

  it('is built where every name, member and option has a doc comment', () => {
    const source = `/** A function. */
export function f(options: {
  /** An option. */
  a?: number;
}): number { return options.a ?? 0; }`;
    expect(complaints(source)).toEqual({ failed: false, names: [] });
  }, 60_000);

  it('is refused where one has none', () => {
    const source = `export function bare(): void {}
/** A function. */
export function f(options: { option?: number }): number { return options.option ?? 0; }
/** An interface. */
export interface I { member: number }
/** A class. */
export class C { method(): void {} get accessor(): number { return 1; } }
/** A type. */
export type T = { property: string };
/** @example tagged(1) */
export const tagged = 1;`;
    expect(complaints(source)).toEqual({ failed: true, names: ['accessor', 'bare', 'member', 'method', 'option', 'property', 'tagged'] });
  }, 60_000);
});

describe.skipIf(missing)('the site', () => {
  /** Makes a site of README, a page and a folder, and checks its links, as `npm run site` does. What is said of a link that leads nowhere, or ''. */
  function complaint(link: string, comment = 'One.'): string {
    put({
      'README.md': '# Small\n\n## Read on\n\n| | |\n| --- | --- |\n| Begin | [page](docs/page.md), [notes](docs/notes/README.md) |\n',
      'docs/page.md': `# A page\n\nReads ${link}.\n\n## Part two\n`,
      'docs/notes/README.md': '# Notes\n\n[First](first.md)\n',
      'docs/notes/first.md': '# The first note\n\n[Back](../page.md#part-two), [all](README.md), [home](../../README.md)\n',
      'source/one.ts': 'export const one = 1; // [1](no/link.md)\n',
    });
    rmSync(at('site'), { recursive: true, force: true });
    const made = make(`/** ${comment} */\nexport const one = 1;`, { readme: at('README.md'), out: at('site'), groupOrder: ['Begin'] });
    if (made.failed) return made.said;
    const checked = run(program('linkinator/build/src/cli.js'), at('site'));
    return checked.failed ? checked.said : '';
  }

  it('has pages at the paths of their files, in the groups of README and beneath the README of their folder, and sources', () => {
    expect(complaint('[a source](../source/one.ts) and [notes](notes)')).toBe('');
    const pages = ['index', 'docs/page', 'docs/notes/README', 'docs/notes/first', 'source/one.ts', 'sources', 'variables/one'];
    expect(pages.filter((page) => !existsSync(at(`site/${page}.html`)))).toEqual([]);
    expect(readFileSync(at('site/docs/page.html'), 'utf8')).toMatch(/href="\.\.\/source\/one\.ts\.html".*href="notes\/README\.html"/);
    expect(readFileSync(at('site/docs/notes/first.html'), 'utf8')).toContain('>The first note</');
  }, 60_000);

  it.each([
    ['a file', '[x](none.md)', 'none.md'],
    ['a heading', '[x](notes/first.md#none)', 'none'],
    ['a heading of its own', '[x](#part-too)', 'part-too'],
    ['a folder without a page', '[x](../source)', '/source is not a file'],
    ['a picture', '![x](none.png)', 'none.png'],
  ])(
    'is refused where a link leads nowhere: %s',
    (_, link, culprit) => {
      expect(complaint(link)).toContain(culprit);
    },
    60_000,
  );

  it('is refused where a comment links to a name that there is not', () => {
    expect(complaint('it', 'Beside {@link two}.')).toContain('two');
  }, 60_000);
});
