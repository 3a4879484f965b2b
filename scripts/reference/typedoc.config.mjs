/**
 * What the reference has: the entry points that package.json exports, under the names that programs import, README as its front page, and the pages of docs. A name or
 * a member without a doc comment is a warning, and so is a link that leads nowhere; warnings fail it.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The sources that the exported declarations are made of; several entry points may have the same. */
const sources = Object.values(exports).flatMap(({ types }) =>
  types ? [join(root, types.replace('/dist/', '/src/').replace('.d.ts', '.ts'))] : [],
);

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'heed',
  entryPoints: [...new Set(sources)],
  tsconfig: join(root, 'tsconfig.build.json'),
  readme: join(root, 'README.md'),
  projectDocuments: [join(root, 'docs', '*.md')],
  out: join(root, 'reference'),
  plugin: [join(import.meta.dirname, 'comments.mjs')],
  // Leaves out what HeedError has from Error.
  excludeExternals: true,
  // Pages link to folders of the repository, too.
  validation: { notDocumented: true, notExported: false, invalidLink: true, invalidPath: false },
  treatWarningsAsErrors: true,
  // Links of sources need a remote, of which a clone's may be anything; a warning of it would fail the reference.
  disableSources: true,
  highlightLanguages: ['console', 'html', 'js', 'json', 'python', 'sh', 'ts'],
};
