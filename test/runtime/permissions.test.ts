/** Deno, which refuses what is not allowed by name: what each use of heed needs, and that it does with less where less is there. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { FakeHub } from '../io/hub.js';
import { tinyFiles, tinyPath } from '../models/files.js';
import { runProcess } from '../runtimes/runner.js';

const deno = binaryOf('deno');
const root = fileURLToPath(new URL('../..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'heed-deno-'));
const commit = 'a'.repeat(40);
const files = Object.fromEntries(
  Object.entries(tinyFiles()).map(([name, content]) => [
    name.slice(2),
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  ]),
);
const hub = await FakeHub.start({ 'org/tiny': { commits: { [commit]: files }, refs: { main: commit } } });
afterAll(() => {
  hub.stop();
  rmSync(temporary, { recursive: true });
});

/** What a program prints as its last line, under permissions. */
async function run(permissions: readonly string[], program: string): Promise<unknown> {
  const path = join(temporary, 'program.mjs');
  writeFileSync(path, `const heed = await import(${JSON.stringify(join(root, 'dist/bundle/node.js'))});\n${program}`);
  const { value } = await runProcess(deno ?? '', ['run', '--no-prompt', '--quiet', ...permissions, path]);
  return JSON.parse(value.trim().split('\n').at(-1) ?? '');
}

const read = `--allow-read=${root},${temporary}`;
const net = `--allow-net=${hub.url.replace('http://', '')},${hub.far.replace('http://', '')}`;
const embedding = (model: string) => `
  const embed = await heed.pipeline('feature-extraction', ${JSON.stringify(model)}, { engine: { threads: 2 } });
  console.log(JSON.stringify((await embed(['a cat'], { pooling: 'mean' })).dims));`;
const fromHub = `Object.assign(heed.env, { remoteHost: ${JSON.stringify(hub.url)} });${embedding('org/tiny')}`;

describe.skipIf(!deno)('Deno', () => {
  it('needs to read heed’s files and the model’s, and nothing else', async () => {
    expect(await run([read], `console.log(JSON.stringify((await heed.createEngine({ threads: 2 })).info));`)).toMatchObject({
      threads: 2,
      shared: true,
    });
    expect(await run([read], embedding(tinyPath))).toEqual([1, 32]);
  });

  it('needs the net for the hub; without more, nothing is kept', async () => {
    expect(await run([read, net], fromHub)).toEqual([1, 32]);
    const settings = '[heed.env.allowRemoteModels, heed.env.remoteHost, heed.env.cacheDir]';
    expect(await run([read], `console.log(JSON.stringify(${settings}))`)).toEqual([true, 'https://huggingface.co/', null]);
  });

  it('keeps the hub’s models in a folder that may be written to', async () => {
    const cache = join(temporary, 'cache');
    const keeping = `heed.env.cacheDir = ${JSON.stringify(cache)};${fromHub}`;
    expect(await run([read, net], keeping), 'which may not be written to').toEqual([1, 32]);
    expect(existsSync(cache)).toBe(false);
    expect(await run([read, net, `--allow-write=${cache}`], keeping)).toEqual([1, 32]);
    expect(readdirSync(join(cache, 'models--org--tiny/blobs')).length).toBeGreaterThan(3);
    expect(await run([read], `heed.env.allowRemoteModels = false;${keeping}`), 'without the net').toEqual([1, 32]);
  });

  it('finds the cache of the user’s where the variables may be read', async () => {
    process.env.HF_HOME = join(temporary, 'home');
    const allowed = [read, '--allow-env=HF_HOME,HF_HUB_CACHE,HUGGINGFACE_HUB_CACHE'];
    expect(await run(allowed, 'console.log(JSON.stringify(heed.env.cacheDir))')).toBe(join(temporary, 'home', 'hub'));
    delete process.env.HF_HOME;
  });
});
