/**
 * Runs a TypeScript file of this repository in any Node: `node scripts/run.mjs examples/attention.ts [args]`. The file and
 * what it imports from the sources around it become one module in `.cache` beside it; packages and dist stay imports, so
 * that it runs against what ships. The tests that start other runtimes use `bundle` too.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Keeps dist out of the bundle, and `import.meta` what it is in the source. @type {import('esbuild').Plugin} */
export const inPlace = {
  name: 'in-place',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\..*\/dist\// }, ({ path, resolveDir }) => ({
      path: pathToFileURL(resolve(resolveDir, path)).href,
      external: true,
    }));
    onLoad({ filter: /\.m?[jt]s$/ }, async ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const contents = (await readFile(path, 'utf8'))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { contents, loader: 'ts' };
    });
  },
};

/** Bundles `file` and returns where. */
export async function bundle(/** @type {string} */ file) {
  const outfile = join(dirname(resolve(file)), '.cache', basename(file).replace(/\.ts$/, '.mjs'));
  await build({
    ...{ entryPoints: [file], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ packages: 'external', plugins: [inPlace], logLevel: 'warning' },
  });
  return outfile;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , file, ...args] = process.argv;
  if (!file) throw new Error('usage: run.mjs FILE.ts [args]');
  const outfile = await bundle(file);
  process.argv = [process.argv[0] ?? '', outfile, ...args];
  await import(pathToFileURL(outfile).href);
}
