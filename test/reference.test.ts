/** The API reference refuses what has no doc comment: `npm run reference` builds it of what package.json exports, here it is made of a file with gaps. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../scripts/reference', import.meta.url));
const typedoc = join(folder, 'node_modules/typedoc/bin/typedoc');
const missing = !existsSync(typedoc) && !process.env.HEED_REQUIRE_RUNTIMES;

const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(temporary, { recursive: true }));

/** Runs typedoc with the reference's own settings on one module. */
function complaints(source: string): { failed: boolean; names: string[] } {
  const at = (file: string) => join(temporary, file);
  writeFileSync(at('entry.ts'), source);
  writeFileSync(at('tsconfig.json'), JSON.stringify({ compilerOptions: { target: 'ES2022', strict: true }, files: ['entry.ts'] }));
  writeFileSync(at('package.json'), JSON.stringify({ name: 'entry' }));
  writeFileSync(
    at('typedoc.mjs'),
    `import own from ${JSON.stringify(new URL('../scripts/reference/typedoc.config.mjs', import.meta.url).href)};
    const files = { entryPoints: [${JSON.stringify(at('entry.ts'))}], tsconfig: ${JSON.stringify(at('tsconfig.json'))}, readme: 'none', projectDocuments: [] };
    export default { ...own, ...files, emit: 'none' };`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--options', at('typedoc.mjs'), '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const lines = (stdout + stderr).split('\n').filter((line) => line.includes('does not have any'));
  return { failed: status !== 0, names: lines.map((line) => /(\w+) \(\w+(?: of [^)]*)?\)/.exec(line)?.[1] ?? line).sort() };
}

describe.skipIf(missing)('the reference', () => {
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
