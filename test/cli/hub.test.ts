/** Models of a hub: by name, kept for when there is no net, with a bar while they come; and those that commands choose by themselves. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeHub, type Files } from '../io/hub.js';
import { randomBert, tinyPath, writeWeights } from '../models/files.js';
import { ESC, hasTerminal, heedIn, notice, onTerminal, sh, vectors } from './command.js';

const names = readdirSync(tinyPath, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(json|safetensors)$/.test(name));
const files: Files = Object.fromEntries(names.map((name) => [name, readFileSync(join(tinyPath, name))]));
const repo = (commit: string, its = files) => ({ commits: { [commit]: its }, refs: { main: commit } });
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
/** A vocabulary that takes several reads. */
const large = randomBert({ C: 32, H: 4, F: 40, L: 1, V: 40_000, positions: 64 });
const largeFiles = {
  ...files,
  'config.json': Buffer.from(JSON.stringify(large.config)),
  'model.safetensors': writeWeights(large.weights),
};
/** The revision of the model that embeds where none is named. */
const chosen = 'c9745ed1d9f207416be6d2e6f8de32d1f16199bf';

let hub: FakeHub;
let texts: number[][];
beforeAll(async () => {
  hub = await FakeHub.start({
    'tiny/bert': repo('a'.repeat(40)),
    'larger/bert': repo('b'.repeat(40), largeFiles),
    'sentence-transformers/all-MiniLM-L6-v2': repo(chosen),
  });
  texts = await vectors(['a cat']);
});
beforeEach(() => {
  hub.fault = () => undefined;
});
afterAll(() => {
  hub.stop();
  rmSync(temporary, { recursive: true });
});

/** What leads to the hub; what it sends is kept in a folder of the test's own. */
const variables = (kept: string, more = '') => `HF_ENDPOINT=${hub.url} HF_HOME="${join(temporary, kept)}" ${more}`;
const embed = (where: string, args: string) => sh(`${where} ${heedIn} embed 'a cat' --json --deterministic ${args}`);

describe('a model of a hub', () => {
  it('is had by its name, and without the net afterwards', async () => {
    const { code, stdout, stderr } = await embed(variables('named'), '--model tiny/bert');
    expect([code, stderr]).toEqual([0, notice]);
    expect([JSON.parse(stdout)]).toEqual(texts);
    hub.fault = () => ({ status: 500 });
    expect((await embed(variables('named', 'HF_HUB_OFFLINE=1'), '--model tiny/bert')).stdout).toBe(stdout);
  });

  it('is chosen where none is named, and standard error says which', async () => {
    const { code, stdout, stderr } = await embed(variables('chosen'), '');
    expect(code).toBe(0);
    expect([JSON.parse(stdout)]).toEqual(texts);
    expect(stderr).toBe(`heed: feature-extraction without a model is sentence-transformers/all-MiniLM-L6-v2@${chosen}\n${notice}`);
  });

  it.each<[string, string, RegExp]>([
    ['is not there', '--model tiny/nothing', /tiny\/nothing.*\[NOT_FOUND\]\n$/],
    ['has no such revision', '--model tiny/bert@old', /tiny\/bert.*\[NOT_FOUND\]\n$/],
  ])('that %s is told on one line', async (_, args, message) => {
    const { code, stdout, stderr } = await embed(variables('none'), args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .+\n$/);
    expect(stderr).toMatch(message);
  });

  it('is told of, and made one in 8 bits, by its name', async () => {
    hub.taken();
    const told = await sh(`${variables('told')} ${heedIn} info larger/bert --json`);
    // The front of the weights, and no more.
    const asked = hub.taken().filter((request) => request.startsWith('GET model.safetensors'));
    expect(asked.length).toBeGreaterThan(0);
    for (const request of asked) expect(request).toMatch(/bytes=0-65535$/);
    expect(JSON.parse(told.stdout)).toMatchObject({ model: 'larger/bert', architecture: 'bert', dims: { vocabulary: 40_000 } });
    const out = join(temporary, 'eighths');
    const { code, stdout } = await sh(`${variables('quantized')} ${heedIn} quantize tiny/bert --out "${out}" --json`);
    expect([code, JSON.parse(stdout).quantized]).toEqual([0, 15]);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['config.json', 'model.safetensors', 'modules.json', 'tokenizer.json']));
  });

  it.skipIf(!hasTerminal)('shows a bar while it comes', async () => {
    hub.fault = ({ file }) => (file === 'model.safetensors' ? { slow: 5 } : undefined);
    const { code, stdout } = await onTerminal(['embed', 'a cat', '--model', 'larger/bert'], { variables: variables('slow') });
    expect(code).toBe(0);
    const shares = Array.from(stdout.matchAll(/loading .*?(\d+)% \| /g), ([, share]) => Number(share));
    expect(shares.length).toBeGreaterThan(1);
    expect(shares[0]).toBeLessThan(80);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(stdout.lastIndexOf(`${ESC}[?7h`)).toBeGreaterThan(stdout.lastIndexOf('loading'));
  });
});
