/**
 * Every op and module against PyTorch's values, on each of the four binaries and with 1 to 4 threads. In deterministic mode the
 * results have the same bits in every runtime and for every number of threads: a hash of them all stands here.
 */
import type { Engine } from 'heed';
import { contiguous, matmul, tensor } from 'heed/ops';
import { beyond, difference, GRADIENT, ROUNDED } from '../cases/check.js';
import { assert, type Check, type Checks, type Env } from './check.js';
import { Digest, type Named, parseSafetensors, readBytes, readJson } from './fixtures.js';
import { moduleFamilies } from './torch-nn.js';
import { type About, opFamilies } from './torch-ops.js';

/** Of all results in deterministic mode. It changes when a kernel computes in another order, and only then. */
const BITS = 'c92e0bca';

/** How far a layer or a transformer may be off. */
const LAYER = 1e-4;

const files = new Map<string, Promise<unknown>>();

/** Read once per runtime, not once per check. */
function once<T>(location: string, read: () => Promise<T>): Promise<T> {
  const known = files.get(location) ?? read();
  files.set(location, known);
  return known as Promise<T>;
}

/**
 * How far a tensor of an op may be off. A norm over one channel has no gradient but what rounding leaves, and layer norm's 1 / sqrt(eps) makes
 * that hundreds of times larger: heed's is 0, PyTorch's is not.
 */
function allowed(name: string, tensorName: string): [tolerance: number, absolute?: number] {
  if (!tensorName.startsWith('d_')) return [ROUNDED];
  return [GRADIENT.tolerance, name.endsWith('_norm_1') ? 1e-4 : GRADIENT.absolute];
}

/** The longest beginning of a fixture's name that a table knows. */
const longest = (table: object, name: string): string | undefined =>
  Object.keys(table)
    .filter((beginning) => name.startsWith(beginning))
    .sort((a, b) => b.length - a.length)[0];

/** Why a fixture's values differ from what is computed here, and what is: `seen` is given every result. */
export function compare(engine: Engine, name: string, given: Named, about: About, seen: (y: Float32Array) => void = () => {}): string[] {
  const op = longest(opFamilies, name);
  const family = op === undefined ? moduleFamilies[longest(moduleFamilies, name) ?? ''] : opFamilies[op];
  if (!family) return [`${name}: nobody knows how to compute it`];
  return engine.scope(() =>
    family(engine, given, about).flatMap(([tensorName, actual]) => {
      const y = contiguous(actual).toHost();
      const expected = given[tensorName];
      if (expected?.dims.join() !== y.dims.join()) return [`${name}: ${tensorName} is [${y.dims}], not [${expected?.dims}]`];
      seen(y.data as Float32Array);
      const why = op === undefined ? beyond(y.data, expected.data, LAYER) : difference(y.data, expected.data, ...allowed(name, tensorName));
      return why === undefined ? [] : [`${name}: ${tensorName}: ${why}`];
    }),
  );
}

/** Launches until every thread has had a part in one. */
function assertAllTakePart(engine: Engine): void {
  const x = tensor(engine, new Float32Array(256 * 256), [256, 256]);
  for (let launches = 0; launches < 500 && engine.lanes.includes(0); launches++) engine.scope(() => void matmul(x, x));
  assert(engine.lanes.length === engine.info.threads && !engine.lanes.includes(0), `chunks by thread: ${engine.lanes}`);
}

const torchCheck =
  (deterministic: boolean, threads: number): Check =>
  async ({ createEngine }, env: Env) => {
    if (threads > 1 && !env.threads) return;
    const engine = await createEngine({ deterministic, threads, inlineBelow: 0 });
    try {
      const { info } = engine;
      const wanted = [threads, threads > 1, env.relaxed && !deterministic ? 'relaxed' : 'simd'].join();
      assert([info.threads, info.shared, info.simd].join() === wanted, `the engine is ${JSON.stringify(info)}`);
      const list = env.locate('fixtures/torch/cases.json');
      const { cases } = (await once(list, () => readJson(engine, list))) as { cases: Record<string, About> };
      const hash = new Digest();
      const complaints: string[] = [];
      for (const [name, about] of Object.entries(cases)) {
        if (name === 'sdpa_long') continue;
        const location = env.locate(`fixtures/torch/${name}.safetensors`);
        const given = await once(location, async () => parseSafetensors(await readBytes(engine, location)));
        complaints.push(...compare(engine, name, given, about, (y) => hash.add(y)));
      }
      assert(complaints.length === 0, complaints.join('\n'));
      assert(engine.memory().storages <= 3, `${engine.memory().storages} storages are left`);
      if (threads > 1) assertAllTakePart(engine);
      if (deterministic) assert(hash.hex === BITS, `the bits' hash is ${hash.hex}, not ${BITS}`);
    } finally {
      await engine.dispose();
    }
  };

export const torchChecks: Checks = Object.fromEntries(
  [true, false].flatMap((deterministic) =>
    [1, 2, 3, 4].map((threads) => [
      `computes what PyTorch does: ${deterministic ? 'deterministic' : 'fast'}, ${threads} thread${threads > 1 ? 's' : ''}`,
      torchCheck(deterministic, threads),
    ]),
  ),
);
