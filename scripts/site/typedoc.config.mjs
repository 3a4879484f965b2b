/**
 * The site: README as its front page, the pages that it leads to (pages.mjs), and the API reference, which is of the entry points that package.json exports, under the
 * names that programs import. A name or a member without a doc comment is a warning, and so is a link that leads nowhere; warnings fail it.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { contentsOf } from './pages.mjs';

const root = dirname(dirname(import.meta.dirname));
const readme = join(root, 'README.md');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The sources that the exported declarations are made of; several entry points may have the same. */
const sources = Object.values(exports).flatMap(({ types }) =>
  types ? [join(root, types.replace('/dist/types/', '/src/').replace('.d.ts', '.ts'))] : [],
);

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'heed',
  includeVersion: true,
  entryPoints: [...new Set(sources)],
  tsconfig: join(root, 'tsconfig.build.json'),
  readme,
  out: join(root, 'site'),
  plugin: ['comments.mjs', 'pages.mjs'].map((file) => join(import.meta.dirname, file)),
  router: 'paths',
  locales: { en: { kind_plural_module: 'API reference' } },
  navigation: { includeGroups: true },
  navigationLeaves: ['Sources'],
  groupOrder: [...contentsOf(readme).map(({ group }) => group), 'API reference'],
  headings: { readme: false, document: false },
  // An address is a link, a file's name, README.md for one, is no site.
  markdownItLoader: (parser) => parser.linkify.set({ fuzzyLink: false }),
  customCss: join(import.meta.dirname, 'site.css'),
  searchInDocuments: true,
  // Leaves out what HeedError has from Error.
  excludeExternals: true,
  validation: { notDocumented: true, notExported: false, invalidLink: true, invalidPath: true },
  treatWarningsAsErrors: true,
  // Links of sources need a remote, of which a clone's may be anything; a warning of it would fail the site.
  disableSources: true,
  highlightLanguages: ['console', 'html', 'js', 'json', 'python', 'sh', 'ts'],
};
