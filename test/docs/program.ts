/**
 * The JavaScript and TypeScript of a page as one program, in the order in which it is read: a block sees what those above it declare and import, and may
 * declare a name again. Code stays on the lines that it has in the page, so that errors name the page's own lines.
 */
import { type Block, blocksOf } from './pages.js';

/** The code of blocks that are programs, by language. What runs in a page stands between the tags. */
const programs: Readonly<Record<string, (code: string) => string>> = {
  js: (code) => code,
  ts: (code) => code,
  html: (code) => code.replace(/<\/?script\b.*>/g, '').replaceAll("'./node_modules/heed/dist/bundle/web.js'", "'heed'"),
};

export const isProgram = ({ language }: Block): boolean => Object.hasOwn(programs, language);

const namesIn = (clause: string) =>
  clause
    .replace(/[{}]/g, ' ')
    .split(',')
    .flatMap((name) => name.trim() || []);
const statement = /^[ \t]*import\s+(type\s+)?([^'"]*?)\s+from\s+(['"][^'"]+['"]);?/gm;

/**
 * The program of a page: its imports on the first line, each block in a scope within that of the block above. What a block imports by a name that was
 * imported from elsewhere above is its scope's own. Undefined where a page has no program.
 */
export function programOf(page: string, text?: string): string | undefined {
  const found = blocksOf(page, text).filter(isProgram);
  if (found.length === 0) return undefined;
  const imports = new Map<string, Set<string>>();
  const origins = new Map<string, string>();
  const lines: string[] = [];
  for (const { language, code, line } of found) {
    const body = (programs[language]?.(code) ?? '')
      .replace(statement, (whole, type, names: string, from: string) => {
        const known = imports.get(from) ?? new Set();
        imports.set(from, known);
        const own: string[] = [];
        for (const name of namesIn(names)) {
          const isOwn = (origins.get(name) ?? from) !== from;
          origins.set(name, origins.get(name) ?? from);
          if (isOwn) own.push(name);
          else known.add(type ? `type ${name}` : name);
        }
        return `${own.length ? `const { ${own.join(', ')} } = await import(${from});` : ''}${whole.replace(/[^\n]/g, '')}`;
      })
      .replace(/^export default /gm, 'void ')
      .replace(/^export /gm, '');
    while (lines.length < line - 2) lines.push('');
    lines.push('{', ...body.trimEnd().split('\n'));
  }
  lines[0] = [...imports].map(([from, names]) => `import { ${[...names].join(', ')} } from ${from};`).join(' ');
  return [...lines, '}'.repeat(found.length), 'export {};', ''].join('\n');
}
