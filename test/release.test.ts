/** A release is refused where its parts disagree, and the workflows that publish it are such as GitHub can read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { distTagOf, problems, releaseOf } from '../scripts/release.mjs';
import { isInstalled, modulesOf } from '../scripts/runtimes.mjs';
import { root } from './consumers/packed.js';

const url = 'git+https://github.com/somebody/heed.git';
const good: Parameters<typeof problems>[0] = {
  tag: 'v1.2.3',
  repository: 'somebody/heed',
  heed: { name: 'heed', version: '1.2.3', repository: { type: 'git', url } },
  lock: { version: '1.2.3' },
  models: { 'models/one': { name: 'heed-one', version: '0.4.0', repository: { type: 'git', url, directory: 'models/one' } } },
  changelog: '# Changelog\n\n## 1.2.30 (unreleased)\n\n## 1.2.3 (2027-01-02)\n',
};

it('takes a release whose parts agree', () => {
  expect(problems(good)).toEqual([]);
  const early = { ...good, tag: 'v2.0.0-beta.1', heed: { ...good.heed, version: '2.0.0-beta.1' }, lock: { version: '2.0.0-beta.1' } };
  expect(problems(early)).toEqual([]);
  expect(['1.2.3', '2.0.0-beta.1'].map(distTagOf)).toEqual(['latest', 'next']);
});

it.each<[string, Partial<typeof good>, RegExp]>([
  ['another tag', { tag: 'v1.2.4' }, /^The tag is v1\.2\.4, package\.json has 1\.2\.3/],
  ['a tag without v', { tag: '1.2.3' }, /^The tag is 1\.2\.3, package\.json has 1\.2\.3/],
  ['an old lock file', { lock: { version: '1.2.2' } }, /^package-lock\.json has 1\.2\.2/],
  ['no change log', { changelog: '## 1.2.30\n' }, /^CHANGELOG\.md has nothing of 1\.2\.3/],
  ['an unfinished change log', { changelog: '## 1.2.3 (unreleased)\n' }, /write the date in place of "unreleased"/],
  [
    'no address',
    { heed: { name: 'heed', version: '1.2.3' } },
    /^heed must say .*: npm pkg set repository\.type=git repository\.url=git\+https:\/\/github\.com\/somebody\/heed\.git$/,
  ],
  ['the address of a fork', { repository: 'another/heed', models: {} }, /^heed must say where it is built, which is another\/heed/],
  [
    'no address of a model',
    { models: { 'models/one': { name: 'heed-one', version: '0.4.0' } } },
    /npm pkg set -w heed-one .* repository\.directory=models\/one$/,
  ],
])('refuses %s, and says what to do', (_, change, message) => {
  const found = problems({ ...good, ...change });
  expect(found).toEqual([expect.stringMatching(message)]);
});

it('finds the packages that are here', () => {
  const { heed, models } = releaseOf('v0.0.0', 'somebody/heed');
  expect([heed.name, Object.entries(models).map(([folder, { name }]) => [folder, name])]).toEqual([
    'heed',
    [['models/translator-en-zh', 'heed-translator-en-zh']],
  ]);
});

const folder = join(root, '.github/workflows');
const installed = isInstalled('workflows');
it.skipIf(!installed && !process.env.HEED_REQUIRE_RUNTIMES)(
  'workflows are what actionlint wants, and run files that are here',
  async () => {
    if (!installed) throw new Error('actionlint is not here; `node scripts/runtimes.mjs` installs it');
    const { createLinter } = await import(pathToFileURL(join(modulesOf('workflows'), 'actionlint/node.mjs')).href);
    const lint = await createLinter();
    const files = readdirSync(folder);
    expect(files).toEqual(expect.arrayContaining(['ci.yml', 'publish.yml']));
    for (const file of files) {
      const text = readFileSync(join(folder, file), 'utf8');
      expect(lint(text, `.github/workflows/${file}`)).toEqual([]);
      const named = [...text.matchAll(/\.ci\/run|scripts\/[\w/]+\.mjs|\.github\/workflows\/\w+\.yml/g)].map(([path]) => path);
      expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    }
    const wrong = `on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ run: "\${{ none.such }}" }] } }`;
    expect(lint(wrong, 'a.yml')).toHaveLength(1);
  },
);
