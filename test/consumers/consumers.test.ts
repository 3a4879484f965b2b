/**
 * heed in its users' hands. What `npm pack` makes is built by Vite, webpack and esbuild, loaded by pages without any of them, imported and
 * required in Node, and compiled by TypeScript; each of these consumers (`projects`) embeds a text, and the vector has the bits that it has here.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createEngine, pipeline } from 'heed';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binaryOf, isInstalled, modulesOf } from '../../scripts/runtimes.mjs';
import { noChromium } from '../browser.js';
import { thorough } from '../thorough.js';
import { answerOf, launch } from './browser.js';
import { type Answer, make, run, start } from './consumer.js';
import { type Packed, pack, packAll } from './packed.js';
import { model, openSite } from './site.js';

const temporary = mkdtempSync(join(tmpdir(), 'heed-consumers-'));
let packed: Packed;
let expected: Pick<Answer, 'dims' | 'data'>;
let browser: Browser | undefined;

beforeAll(async () => {
  packed = pack(temporary);
  const engine = await createEngine({ deterministic: true });
  const embed = await pipeline('feature-extraction', model, { engine });
  const { dims, data } = await embed('a cat and a dog', { pooling: 'mean', normalize: true });
  expected = { dims, data: [...(data as Float32Array)] };
  await engine.dispose();
  if (!noChromium) browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  rmSync(temporary, { recursive: true });
});

const noTools = isInstalled('consumers')
  ? undefined
  : 'Vite, webpack, publint or attw is not here; `node scripts/runtimes.mjs` installs them';
const noNode24 = binaryOf('node24') ? undefined : 'Node 24 is not here; `node scripts/runtimes.mjs` installs it';

/** A test that needs something: without it, it is skipped, or fails where HEED_REQUIRE_RUNTIMES is set. Other bundlers than esbuild are for CI. */
function itNeeds(missing: string | undefined, name: string, test: () => Promise<void>, part = true): void {
  if (!missing) it.runIf(part || thorough)(name, test, 60_000);
  else
    it.skipIf(!process.env.HEED_REQUIRE_RUNTIMES)(`${name}: ${missing}`, () => {
      throw new Error(missing);
    });
}

/** One answer, or several: each has the bits, and the threads. */
function check(answers: Answer | Answer[], threads: number): void {
  for (const { info, dims, data } of [answers].flat()) {
    expect({ dims, data }).toEqual(expected);
    expect([info.threads, info.simd], info.reason).toEqual([threads, 'simd']);
  }
}

interface PageConsumer {
  project: string;
  packages?: string[];
  /** What Node runs to build it. */
  build?: string[];
  /** The folder that is served. */
  site?: string;
  threads: number;
  /** One of the packages is there for the tests alone. */
  needsTools?: true;
}

const webpack = `
  import config from './webpack.config.mjs';
  import webpack from 'webpack';
  webpack(config, (error, stats) => {
    if (error || stats.hasErrors() || stats.hasWarnings()) throw error ?? new Error(stats.toString());
  });`;

const pages: Readonly<Record<string, PageConsumer>> = {
  'built by Vite': {
    project: 'vite',
    packages: ['vite'],
    build: ['node_modules/vite/bin/vite.js', 'build'],
    site: 'dist',
    threads: 2,
    needsTools: true,
  },
  // Its command, webpack-cli, is a package of its own, which does no more than this.
  'built by webpack': {
    project: 'webpack',
    packages: ['webpack'],
    build: ['--input-type=module', '-e', webpack],
    threads: 2,
    needsTools: true,
  },
  'built by esbuild, kernels beside it': { project: 'esbuild', packages: ['esbuild'], build: ['build.mjs'], threads: 2 },
  'built by esbuild, heed/inline': { project: 'esbuild-inline', packages: ['esbuild'], build: ['build.mjs'], threads: 1 },
  'not built: script type=module': { project: 'script', threads: 2 },
  'not built: an import map': { project: 'import-map', threads: 2 },
  'not built: heed/inline': { project: 'inline', threads: 1 },
};

describe('a page', () => {
  /** Builds a project and opens it. */
  async function open(
    { project, packages, build, site = '.' }: PageConsumer,
    change: (folder: string) => void = () => {},
  ): Promise<Answer | Answer[]> {
    const folder = make(project, packed, temporary, packages);
    if (build) await run(folder, build);
    change(folder);
    const served = await openSite(join(folder, site));
    try {
      return await answerOf(browser as Browser, served.url);
    } finally {
      served.close();
    }
  }

  for (const [name, consumer] of Object.entries(pages)) {
    const missing = noChromium ?? (consumer.needsTools ? noTools : undefined);
    itNeeds(missing, name, async () => check(await open(consumer), consumer.threads), !consumer.needsTools);
  }

  itNeeds(noChromium ?? noTools, "from Vite's development server", async () => {
    const folder = make('vite', packed, temporary, ['vite']);
    // This server answers with its page where there is no such file: the model does without some.
    cpSync(model, join(folder, 'public/model'), { recursive: true });
    const server = await start(folder, ['node_modules/vite/bin/vite.js', '--host', '127.0.0.1', '--port', '0']);
    try {
      check(await answerOf(browser as Browser, server.url), 2);
    } finally {
      await server.close();
    }
  });

  itNeeds(noChromium, 'built by esbuild, heed/inline: is one file', async () => {
    let files: string[] = [];
    await open(pages['built by esbuild, heed/inline'] as PageConsumer, (folder) => {
      files = readdirSync(join(folder, 'dist'));
    });
    expect(files).toEqual(['main.js']);
  });

  itNeeds(noChromium, 'built by esbuild, without the kernels: is told what to do', async () => {
    const opened = open(pages['built by esbuild, kernels beside it'] as PageConsumer, (folder) =>
      rmSync(join(folder, 'dist/wasm'), { recursive: true }),
    );
    await expect(opened).rejects.toThrow(/simd-threads\.wasm: the server has no such file.*heed's dist\/wasm/);
  });
});

/** Runs a program of Node's, which prints its answer. */
const answer = async (folder: string, args: readonly string[], node?: string): Promise<Answer> =>
  JSON.parse((await run(folder, args, node)).trim().split('\n').at(-1) ?? '');

describe('Node', () => {
  it('imports heed into CommonJS', async () => {
    check(await answer(make('commonjs', packed, temporary), ['import.js', model]), 2);
  }, 60_000);

  const canRequire = 'require_module' in process.features && process.features.require_module;
  itNeeds(canRequire ? undefined : 'this Node cannot require modules', 'requires heed in CommonJS', async () => {
    check(await answer(make('commonjs', packed, temporary), ['require.js', model]), 2);
  });

  itNeeds(noNode24, 'requires heed in CommonJS (Node 24)', async () => {
    check(await answer(make('commonjs', packed, temporary), ['require.js', model], binaryOf('node24')), 2);
  });

  it('imports heed/inline', async () => {
    const folder = make('node-inline', packed, temporary);
    const site = await openSite(folder);
    try {
      check(await answer(folder, ['main.mjs', `${site.url}model`]), 1);
    } finally {
      site.close();
    }
  }, 60_000);
});

describe('TypeScript', () => {
  it.each(['bundler', 'nodenext'])(
    'moduleResolution %s: strict, declarations checked, and what it emits runs',
    async (resolution) => {
      const folder = make('typescript', packed, temporary, ['typescript', '@types/node']);
      await run(folder, ['node_modules/typescript/bin/tsc', '-p', `tsconfig.${resolution}.json`]);
      const program = `import { run } from './${resolution}/main.js'; console.log(JSON.stringify(await run(process.argv[1])))`;
      check(await answer(folder, ['--input-type=module', '-e', program, model]), 2);
    },
    60_000,
  );
});

describe('package.json', () => {
  itNeeds(noTools, 'is what publint wants, and so are those of models', async () => {
    const { publint } = await import(pathToFileURL(join(modulesOf('consumers'), 'publint/src/index-node.js')).href);
    for (const { tarball: path } of [packed, ...packAll(['models/translator-en-zh'], temporary)]) {
      const tarball = new Uint8Array(readFileSync(path)).buffer;
      const { messages, pkg } = await publint({ pack: { tarball }, strict: true, level: 'suggestion' });
      expect([messages, pkg.name]).toEqual([[], expect.stringMatching(/^heed/)]);
    }
  });

  itNeeds(noTools, 'has types where every module system looks for them', async () => {
    const attw = join(modulesOf('consumers'), '@arethetypeswrong/cli/dist/index.js');
    // Fails by its exit code. heed is ESM alone, by intention; what that profile leaves out is CommonJS before Node 20.19.
    await run(temporary, [attw, packed.tarball, '--profile', 'esm-only']);
  });
});
