/**
 * Whether a commit can be published under its tag. What npm would refuse, or nobody could mend once it is published, is told before anything is built.
 *
 *   node scripts/release.mjs v1.2.3 OWNER/NAME    prints what is wrong and ends with 1; else prints the tag that npm gives the version: latest, or next for v1.2.3-beta.1
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const read = (/** @type {string[]} */ ...path) => readFileSync(join(root, ...path), 'utf8');

/**
 * @typedef {{ name: string; version: string; repository?: { type?: string; url?: string; directory?: string } }} Manifest
 * @typedef {{ tag: string; repository: string; heed: Manifest; lock: { version: string }; models: Record<string, Manifest>; changelog: string }} Release
 */

/** Whether a version comes before the one that it is named after, as 1.0.0-beta.1 does: nobody gets it who does not ask for it. */
const isEarly = (/** @type {string} */ version) => version.includes('-');

/** npm's name for what a version is. */
export const distTagOf = (/** @type {string} */ version) => (isEarly(version) ? 'next' : 'latest');

/** What is wrong with a package's address, which provenance compares with the repository that it is built in. */
function addressProblems(
  /** @type {Manifest} */ { name, repository: told = {} },
  /** @type {string} */ repository,
  /** @type {string} */ directory,
) {
  const url = `git+https://github.com/${repository}.git`;
  if (told.url === url && told.directory === (directory || undefined)) return [];
  const values = ['repository.type=git', `repository.url=${url}`, ...(directory ? [`repository.directory=${directory}`] : [])];
  const command = ['npm pkg set', ...(directory ? [`-w ${name}`] : []), ...values].join(' ');
  return [`${name} must say where it is built, which is ${repository}, or npm refuses its provenance: ${command}`];
}

/** Everything that is wrong with a release, with the cure of each. @returns {string[]} */
export function problems(/** @type {Release} */ { tag, repository, heed, lock, models, changelog }) {
  const { version } = heed;
  const [heading] = changelog.split('\n').flatMap((line) => (line === `## ${version}` || line.startsWith(`## ${version} `) ? [line] : []));
  return [
    ...(tag === `v${version}` ? [] : [`The tag is ${tag}, package.json has ${version}: tag the commit whose version it is`]),
    ...(lock.version === version
      ? []
      : [`package-lock.json has ${lock.version}, package.json ${version}: npm install --package-lock-only`]),
    ...(heading || isEarly(version) ? [] : [`CHANGELOG.md has nothing of ${version}: say under "## ${version}" what is new`]),
    ...(heading?.includes('unreleased') ? [`CHANGELOG.md has "${heading}": write the date in place of "unreleased"`] : []),
    ...addressProblems(heed, repository, ''),
    ...Object.entries(models).flatMap(([directory, model]) => addressProblems(model, repository, directory)),
  ];
}

/** The release of what is here. @returns {Release} */
export function releaseOf(/** @type {string} */ tag, /** @type {string} */ repository) {
  const models = readdirSync(join(root, 'models')).map((name) => [`models/${name}`, JSON.parse(read('models', name, 'package.json'))]);
  const [heed, lock] = ['package.json', 'package-lock.json'].map((file) => JSON.parse(read(file)));
  return { tag, repository, heed, lock, models: Object.fromEntries(models), changelog: read('CHANGELOG.md') };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [tag = '', repository = ''] = process.argv.slice(2);
  if (!tag || !/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new Error('usage: release.mjs v1.2.3 OWNER/NAME');
  const release = releaseOf(tag, repository);
  const found = problems(release);
  for (const problem of found) console.error(problem);
  if (found.length) process.exitCode = 1;
  else console.log(distTagOf(release.heed.version));
}
