/**
 * README.md is read in two places: in a clone, where links to other files are relative, and on npm's page, which has no files beside it. So the packed one links to
 * the files of the package where a server has them by their versions. `npm pack` and `npm publish` call this before and after.
 *
 *   node scripts/readme.mjs absolute | relative
 */
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const root = new URL('..', import.meta.url);
const { name, version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
/** Where the package's files are once it is published. */
export const base = `https://unpkg.com/${name}@${version}/`;

/** README.md's text, written the one way and the other. @type {Readonly<Record<string, (text: string) => string>>} */
export const ways = {
  absolute: (text) => text.replace(/\]\((?![a-z]+:|#)/g, `](${base}`),
  relative: (text) => text.replaceAll(`](${base}`, ']('),
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const way = ways[process.argv[2] ?? ''];
  if (!way) throw new Error(`Say ${Object.keys(ways).join(' or ')}`);
  const file = new URL('README.md', root);
  await writeFile(file, way(await readFile(file, 'utf8')));
}
