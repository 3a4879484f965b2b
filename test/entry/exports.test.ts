/** What users see of heed: the same names in every runtime, none of what binds it to one, and no more in a bundle than its program names. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as autos from '../../dist/autos.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What an entry exports beside src/index.ts or src/core.ts. */
function boundIn(entry: string): string[] {
  const source = readFileSync(`${root}/src/entry/${entry}.ts`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const [, several = ''] = /export const \{([^}]*)\} = heed;/.exec(source) ?? [];
  const single = [...source.matchAll(/^export const (\w+) =/gm)].map(([, name = '']) => name);
  return [...several.split(',').flatMap((name) => name.trim() || []), ...single].sort();
}

describe('the entries', () => {
  it.each(['web', 'workerd', 'inline'])('of %s export what that of Node does', (name) => {
    expect(boundIn(name)).toEqual(boundIn('node'));
    expect(boundIn(name).length).toBeGreaterThan(10);
  });

  it.each(['core-web', 'core-workerd'])('of %s export what that of Node does', (name) => {
    expect(boundIn(name)).toEqual(boundIn('core-node'));
    expect(boundIn(name)).toContain('hostModels');
  });

  it('export nothing that binds heed to a runtime', async () => {
    for (const name of ['node', 'core-node']) {
      const names = Object.keys(await import(`../../dist/entry/${name}.js`));
      expect(names).toEqual(expect.arrayContaining(['pipeline', 'AutoModel', 'hostModels', 'registerArchitecture']));
      expect(names.filter((own) => /^bind|^serve|autos/i.test(own))).toEqual([]);
    }
  });

  it('export each loader of models, and their workers know it', () => {
    const { all, ...each } = autos;
    expect(all()).toEqual(each);
    expect(boundIn('node')).toEqual(expect.arrayContaining(Object.keys(each)));
  });
});

/** A page's program that names these of heed, as esbuild bundles it, and what training it holds. */
async function bundleOf(names: string, entry: string, splitting: boolean) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `import { ${names} } from './dist/${entry}'; globalThis.all = [${names}];`, resolveDir: root },
    ...{ absWorkingDir: root, outdir: 'out', logLevel: 'silent', write: false, metafile: true, splitting },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
  });
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return {
    modules: inputs.flatMap(([path, { bytesInOutput }]) => (path.startsWith('dist/train/') && bytesInOutput ? path : [])),
    fits: outputFiles.some(({ text }) => text.includes('this model was not loaded for training')),
  };
}

describe('a bundle', () => {
  it.each([false, true])('holds no training unless it names what trains; split: %s', async (splitting) => {
    const texts = 'pipeline, AutoModel, AutoModelForMaskedLM, AutoModelForTokenClassification, AutoTokenizer, estimate';
    expect((await bundleOf(texts, 'entry/web.js', splitting)).modules).toEqual([]);
    expect((await bundleOf('AutoModelForSequenceClassification', 'entry/web.js', splitting)).modules).toContain('dist/train/trainer.js');
    expect((await bundleOf(texts, 'bundle/web.js', splitting)).fits).toBe(false);
    expect((await bundleOf('AutoModelForSequenceClassification', 'bundle/web.js', splitting)).fits).toBe(true);
  });
});
