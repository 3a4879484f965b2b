/**
 * Pages of the site beside the API's: what README leads to, by links of links. README's contents, the table of its last section, are the navigation: a row is a group,
 * its links are the pages. A page that is not listed there lies beneath the README of a folder above it. Sources that pages link to are shown, too, beneath a list of
 * them. Every address is the path of the file in a clone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { Application, Converter, DocumentReflection, IndexEvent, KindRouter, MinimalSourceFile, normalizePath } from 'typedoc';

/** @typedef {import('typedoc').ProjectReflection} Project */
/** @typedef {{ title: string, content: import('typedoc').CommentDisplayPart[] }} Page */

/**
 * Sources that are shown, and the language that each is highlighted as. Other files, which are pictures, are copied.
 * @type {Readonly<Record<string, string>>}
 */
const languages = { '.ts': 'ts', '.mjs': 'js', '.js': 'js', '.json': 'json', '.py': 'python', '.html': 'html' };

/** Groups of pages in README's contents, each with the paths of its pages. @param {string} readme */
export const contentsOf = (readme) =>
  [...(readFileSync(readme, 'utf8').split('\n## Read on\n')[1] ?? '').matchAll(/^\| (\w[^|]*) \| (.*) \|$/gm)].map(
    ([, group = '', links = '']) => ({
      group,
      paths: [...links.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => join(dirname(readme), path)),
    }),
  );

/** @param {Application} app */
export function load(app) {
  const readmeOf = () => app.options.getValue('readme');
  /** A page's path in a clone. @param {DocumentReflection} page */
  const pathOf = (page) => relative(dirname(readmeOf()), page.project.files.getReflectionPath(page) ?? page.name);

  app.renderer.defineRouter(
    'paths',
    class extends KindRouter {
      /** @param {import('typedoc').Reflection} reflection @returns {string} */
      getIdealBaseName(reflection) {
        return reflection.isDocument() ? pathOf(reflection).replace(/\.md$/, '') : super.getIdealBaseName(reflection);
      }
    },
  );
  // Low, so that README itself has been read.
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => existsSync(readmeOf()) && addPages(app, project, readmeOf()), -1000);
  // Sources are not searched: they would be the larger part of the index, which every visitor loads.
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    for (const [i, result] of [...event.searchResults.entries()].reverse())
      if (result.isDocument() && !pathOf(result).endsWith('.md')) event.removeResult(i);
  });
}

/**
 * What README's contents lead to: pages, read, and sources.
 * @param {Application} app
 * @param {Project} project
 * @param {string[]} listed
 */
function walk(app, project, listed) {
  /** @type {Map<string, Page>} */
  const pages = new Map();
  /** @type {Set<string>} */
  const sources = new Set();
  /** @param {string} path */
  const visit = (path) => {
    if (pages.has(path)) return;
    const text = readFileSync(path, 'utf8');
    const { content } = app.converter.parseRawComment(new MinimalSourceFile(text, normalizePath(path)), project.files);
    pages.set(path, { title: /^# (.*)/.exec(text)?.[1] ?? basename(path), content });
    for (const part of content) {
      const target = part.kind === 'relative-link' && part.target !== undefined && project.files.resolve(part.target, project);
      if (typeof target !== 'string') continue;
      const index = join(target, 'README.md');
      if (target.endsWith('.md')) visit(target);
      else if (existsSync(index)) visit(index);
      else if (Object.hasOwn(languages, extname(target))) sources.add(target);
    }
  };
  listed.forEach(visit);
  return { pages, sources: [...sources].sort() };
}

/** @param {Application} app @param {Project} project @param {string} readme */
function addPages(app, project, readme) {
  const { files } = project;
  const root = dirname(readme);
  const contents = contentsOf(readme);
  if (contents.length === 0) return;
  const groups = new Map(contents.flatMap(({ group, paths }) => paths.map((path) => [path, group])));
  const { pages, sources } = walk(app, project, [...groups.keys()]);

  /** What lies in a folder is beneath its README. @type {Map<string, Project | DocumentReflection>} */
  const parents = new Map([[root, project]]);
  /** @param {string} folder @returns {Project | DocumentReflection} */
  const parentOf = (folder) => parents.get(folder) ?? parentOf(dirname(folder));
  /** @param {string} path @param {Page} page @param {Project | DocumentReflection} parent */
  const add = (path, { title, content }, parent) => {
    const group = groups.get(path) ?? contents.at(-1)?.group;
    const page = new DocumentReflection(title, parent, content, parent === project ? { group } : {});
    parent.addChild(page);
    project.registerReflection(page, undefined, normalizePath(path));
    if (basename(path) === 'README.md') {
      parents.set(dirname(path), page);
      files.registerReflectionPath(normalizePath(dirname(path)), page);
    }
    return page;
  };

  for (const path of groups.keys()) add(path, /** @type {Page} */ (pages.get(path)), project);
  for (const [path, page] of [...pages].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (!groups.has(path)) add(path, page, parentOf(dirname(path)));
  addSources();

  function addSources() {
    const path = join(root, 'sources.md');
    const names = sources.map((source) => relative(root, source));
    const text = ['Files that the pages speak of.\n', ...names.map((name) => `- [${name}](${name})`)].join('\n');
    const { content } = app.converter.parseRawComment(new MinimalSourceFile(`# Sources\n\n${text}`, normalizePath(path)), files);
    const parent = add(path, { title: 'Sources', content }, project);
    for (const name of names) {
      const code = `~~~~${languages[extname(name)]}\n${readFileSync(join(root, name), 'utf8')}\n~~~~`;
      add(join(root, name), { title: name, content: [{ kind: 'text', text: `# ${name}\n\n${code}` }] }, parent);
    }
  }
}
