/** Links of pages lead somewhere: to a file that is here, and to a heading that it has. */
import { existsSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, proseOf, root, textOf } from './pages.js';

const linksOf = (page: string) => [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to as string);

/** What a heading is called in an address, as GitHub and others have it. */
const anchorsOf = (page: string) =>
  [
    ...textOf(page)
      .replace(/^```[\s\S]*?^```$/gm, '')
      .matchAll(/^#+ (.+)$/gm),
  ].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );

/** Why a link leads nowhere. */
function broken(page: string, to: string): string | undefined {
  if (/^[a-z]+:/.test(to)) return URL.canParse(to) && to.startsWith('https://') ? undefined : 'no https address';
  const [path = '', anchor] = to.split('#');
  const target = path === '' ? page : posix.join(dirname(page), path);
  if (!existsSync(root + target)) return 'no such file';
  return anchor === undefined || anchorsOf(target).includes(anchor) ? undefined : 'no such heading';
}

describe('links', () => {
  it.each(pages)('of %s', (page) => {
    expect(linksOf(page).flatMap((to) => (broken(page, to) ? `${to}: ${broken(page, to)}` : []))).toEqual([]);
  });

  it('of README.md lead to every page of docs', () => {
    const listed = linksOf('README.md').map((to) => to.split('#')[0]);
    expect(pages.filter((page) => /^docs\/[^/]+$/.test(page) && !listed.includes(page))).toEqual([]);
    expect(linksOf('docs/decisions/README.md')).toEqual(pages.flatMap((page) => /^docs\/decisions\/(\d.*)/.exec(page)?.[1] ?? []));
  });

  it('are found, and those that lead nowhere are told', () => {
    expect(linksOf('README.md').length).toBeGreaterThan(20);
    expect(broken('docs/tasks.md', 'tsaks.md')).toBe('no such file');
    expect(broken('docs/tasks.md', 'generation.md#opinions')).toBe('no such heading');
    expect(broken('docs/tasks.md', 'generation.md#options')).toBeUndefined();
    expect(broken('docs/tasks.md', 'http://example.com')).toBe('no https address');
    expect(broken('docs/tasks.md', 'https://example.com:x')).toBe('no https address');
  });
});
