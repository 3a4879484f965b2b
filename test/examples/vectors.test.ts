/** examples/vectors as its users have it: the nearest paragraphs in SQLite are those that heed itself finds. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEngine, pipeline, semantic_search } from 'heed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binaryOf, isInstalled, modulesOf, tools } from '../../scripts/runtimes.mjs';
import { install, link, pack, root } from '../consumers/packed.js';

const example = join(root, 'examples/vectors');
const model = join(root, 'test/fixtures/bert-tiny');
const node = binaryOf('node24');
const missing = node && isInstalled('vectors') ? '' : ': sqlite-vec or Node 24 is not here; `node scripts/runtimes.mjs` installs them';

describe.skipIf(missing && !process.env.HEED_REQUIRE_RUNTIMES)(`the search of examples/vectors${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-vectors-'));
  const files: Readonly<Record<string, readonly string[]>> = {
    'animals.md': ['a cat sleeps', 'two dogs run', 'a dog'],
    'weather.txt': ['the rain falls on the hill', 'rain and a cat'],
  };
  beforeAll(() => {
    cpSync(example, folder, { recursive: true });
    install(pack(folder), folder);
    link(folder, 'sqlite-vec', modulesOf('vectors'));
    mkdirSync(join(folder, 'texts'));
    for (const [name, texts] of Object.entries(files)) writeFileSync(join(folder, 'texts', name), texts.join('\n\n'));
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true }));
  const env = { ...process.env, MODEL: model, DB: join(folder, 'vectors.db') };
  const searchBy = async (own: NodeJS.ProcessEnv, ...words: string[]) =>
    (await promisify(execFile)(node as string, ['--no-warnings', 'search.js', ...words], { cwd: folder, env: own })).stdout;
  const search = (...words: string[]) => searchBy(env, ...words);

  it('takes sqlite-vec in the version that is tested', () => {
    const { heed: _, ...own } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8')).dependencies;
    expect(Object.entries(own).map(([name, version]) => `${name}@${version}`)).toEqual(tools.vectors?.packages);
  });

  it('finds what is nearest, and embeds what is new alone', async () => {
    expect(await search('add', 'texts')).toBe('5 new paragraphs\n');
    const engine = await createEngine({ threads: 1 });
    const embed = await pipeline('feature-extraction', model, { engine });
    const all = Object.entries(files).flatMap(([file, texts]) => texts.map((text) => ({ file, text })));
    const corpus = await embed.encode_document(all.map(({ text }) => text));
    const expected = async (question: string) => {
      const [hits] = semantic_search(await embed.encode_query([question]), corpus, { top_k: 3 });
      return (hits ?? []).map(({ corpus_id, score }) => `${score.toFixed(4)} ${all[corpus_id]?.file}: ${all[corpus_id]?.text}\n`).join('');
    };
    for (const question of ['a cat sleeps', 'rain']) expect(await search('find', question)).toBe(await expected(question));
    expect(await search('add', 'texts')).toBe('0 new paragraphs\n');
    writeFileSync(join(folder, 'texts/new.md'), 'the hill\n\nthe hill');
    expect(await search('add', 'texts')).toBe('1 new paragraphs\n');
    expect(await search('find', 'the hill')).toMatch(/^1\.0000 new\.md: the hill\n/);
    await engine.dispose();
    const other = join(folder, 'other');
    cpSync(model, other, { recursive: true });
    await expect(searchBy({ ...env, MODEL: other }, 'find', 'rain')).rejects.toThrow(
      /vectors\.db has vectors of .*bert-tiny, and not of .*other/,
    );
  }, 60_000);
});
