/**
 * What the package weighs beside what budget.json allows. Sizes are in bytes; gzip is that of level 9, a file at a time.
 *
 *   npm run sizes    prints every row; exit code 1 where one is over its limit
 *
 * budget.json has `entries`: all that an entry of package.json's `exports` or `bin` has, under the conditions that lead to one file, as esbuild bundles and minifies it.
 * `uses`: a program that imports some names; `beside` another such program, what it weighs more. `files`: a file as it ships, or all of a folder, which ends with
 * a slash. `packages`: what npm packs of a package's folder: the tarball, code installed, and pages (docs, examples, cards of models). `examples`: what a test builds.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const readJson = (/** @type {string} */ path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const manifest = readJson('package.json');

/**
 * @typedef {{ gzip: number; imports: Record<string, string[]>; beside?: string }} Use
 * @typedef {{ tarball: number; code?: number; pages?: number }} PackageLimits
 * @typedef {{ entries: Record<string, Record<string, number>>; uses: Record<string, Use>;
 *   files: Record<string, { raw?: number; gzip?: number }>; packages: Record<string, PackageLimits>;
 *   examples: Record<string, { gzip: number }> }} Budget
 */
/** @type {Budget} */
export const budget = readJson('budget.json');

const gzip = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length;

/** Entries of `exports` that are no modules: files among `files`, and the manifest. */
const isModule = (/** @type {string} */ target) => target.endsWith('.js');

/**
 * Each entry that can be imported or run, and the conditions that lead to each of its files: heed -> { 'deno, bun, node': './dist/bundle/node.js' }.
 * @returns {Record<string, Record<string, string>>}
 */
export function entries() {
  const all = Object.entries({
    ...manifest.exports,
    ...Object.fromEntries(Object.values(manifest.bin).map((file) => ['bin', `./${file}`])),
  });
  const found = all.map(([path, value]) => {
    const { types, ...targets } = typeof value === 'string' ? { default: value } : value;
    /** @type {Record<string, string[]>} */
    const conditions = {};
    for (const [condition, target] of Object.entries(targets))
      if (isModule(target)) conditions[target] = [...(conditions[target] ?? []), condition];
    const byConditions = Object.entries(conditions).map(([target, names]) => [names.join(', '), target]);
    return [path.replace(/^\./, manifest.name), Object.fromEntries(byConditions)];
  });
  return Object.fromEntries(found.filter(([, files]) => Object.keys(files).length));
}

/** Bytes of a program, gzipped: with all that it may load, but for what its users have or what comes with their runtime. */
async function bundled(/** @type {string} */ contents, /** @type {'browser' | 'neutral'} */ platform) {
  const { outputFiles } = await build({
    ...{ stdin: { contents, resolveDir: root }, absWorkingDir: root, logLevel: 'silent', write: false },
    ...{ bundle: true, minify: true, format: 'esm', platform, target: 'es2022' },
    external: [
      'node:*',
      '*.wasm',
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).flatMap((name) => [name, `${name}/*`]),
    ],
  });
  return gzip(outputFiles[0]?.contents ?? new Uint8Array());
}

/** Bytes, gzipped, of a page's program that holds on to these names. */
function used(/** @type {Record<string, string[]>} */ imports) {
  const lines = Object.entries(imports).map(([from, names]) => `import { ${names.join(', ')} } from '${from}';`);
  return bundled(`${lines.join('\n')} globalThis.all = [${Object.values(imports).flat().join(', ')}];`, 'browser');
}

/** What `npm pack` makes of a folder: bytes of the tarball, and those of each file in it. */
export function packed(folder = '.') {
  const [{ size, files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      ...{ cwd: join(root, folder), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], shell: process.platform === 'win32' },
    }),
  );
  return { size, files: /** @type {{ path: string; size: number }[]} */ (files) };
}

const isPage = (/** @type {string} */ path) => /^(docs|examples|models)\//.test(path);

/**
 * Everything that has a limit, one at a time.
 * @returns {AsyncGenerator<{ name: string; unit: string; bytes: number; limit: number }>}
 */
export async function* measure() {
  const files = entries();
  for (const [entry, limits] of Object.entries(budget.entries))
    for (const [conditions, limit] of Object.entries(limits)) {
      const file = files[entry]?.[conditions];
      if (file)
        yield { name: `${entry} (${conditions})`, unit: 'gzip', bytes: await bundled(`export * from '${file}';`, 'neutral'), limit };
    }
  for (const [name, { imports, beside, gzip: limit }] of Object.entries(budget.uses)) {
    const other = beside === undefined ? undefined : budget.uses[beside];
    if (beside !== undefined && !other) throw new Error(`budget.json: "${name}" is beside "${beside}", which is no use there`);
    yield { name, unit: 'gzip', bytes: (await used(imports)) - (other ? await used(other.imports) : 0), limit };
  }
  const own = packed();
  for (const [name, limits] of Object.entries(budget.files)) {
    const paths = own.files.map(({ path }) => path).filter((path) => (name.endsWith('/') ? path.startsWith(name) : path === name));
    const contents = paths.map((path) => readFileSync(join(root, path)));
    for (const [unit, limit] of Object.entries(limits)) {
      const weigh = unit === 'raw' ? (/** @type {Uint8Array} */ { length }) => length : gzip;
      yield { name, unit, bytes: contents.reduce((sum, bytes) => sum + weigh(bytes), 0), limit };
    }
  }
  for (const [folder, limits] of Object.entries(budget.packages)) {
    const { size, files } = folder === '.' ? own : packed(folder);
    const sum = (/** @type {boolean} */ pages) => files.reduce((all, { path, size }) => all + (isPage(path) === pages ? size : 0), 0);
    /** @type {Record<string, number>} */
    const sizes = { tarball: size, code: sum(false), pages: sum(true) };
    for (const [unit, limit] of Object.entries(limits)) yield { name: `package ${folder}`, unit, bytes: sizes[unit] ?? Number.NaN, limit };
  }
}

const count = (/** @type {number} */ bytes) => bytes.toLocaleString('en');

/** Why a size is too much and what to do, or undefined where it is not. @param {{ name: string; unit: string; bytes: number; limit: number }} row */
export const excess = ({ name, unit, bytes, limit }) =>
  bytes <= limit
    ? undefined
    : `${name}: ${count(bytes)} bytes (${unit}), ${count(bytes - limit)} over its limit of ${count(limit)}. ` +
      'Make it smaller, or, if what it gives is worth that, raise the limit in budget.json and say so in the commit (CONTRIBUTING.md, "Sizes").';

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for await (const row of measure()) {
    const { name, unit, bytes, limit } = row;
    console.log(
      `${name.padEnd(46)} ${unit.padEnd(8)} ${count(bytes).padStart(11)} of ${count(limit).padStart(11)}  ${((100 * bytes) / limit).toFixed(1).padStart(5)} %`,
    );
    if (excess(row)) process.exitCode = 1;
  }
