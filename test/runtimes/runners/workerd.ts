/**
 * workerd, what Cloudflare Workers run on: `workerd test` on a worker whose modules are one script and the kernels, imported statically. Its memory is
 * capped as for an isolate of 128 MB.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binaryOf } from '../../../scripts/runtimes.mjs';
import { bundleProgram, folders, type Runner, root, runProcess } from '../runner.js';
import { openSite } from '../site.js';

const binary = binaryOf('workerd');
/** The kernels, and the decoders of pictures, which are imported when they are asked for. */
const binaries = ['simd', 'relaxed', 'jpeg', 'webp'];
/** Of WebAssembly memory: MiniLM's weights have 87 MiB. */
const MAXIMUM = 96 << 20;

/** https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
const config = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "site", network = (allow = ["private"])),
  ],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "suite/main.js", esModule = embed "main.js"),
    ${binaries.map((name) => `(name = "wasm/${name}.wasm", wasm = embed "${name}.wasm"),`).join('\n    ')}
  ],
  compatibilityDate = "2026-11-01",
  globalOutbound = "site",
);
`;

export const runners: Runner[] = [
  {
    name: 'workerd',
    missing: () => (binary ? undefined : 'workerd is not here; `node scripts/runtimes.mjs` installs it'),
    version: () => execFileSync(binary ?? '', ['--version'], { encoding: 'utf8' }).trim(),
    async run<T>(program: string, args: unknown) {
      const temporary = await mkdtemp(join(tmpdir(), 'heed-workerd-'));
      const site = await openSite('', { isolated: false, strict: false });
      try {
        const input = {
          ...{ threads: false, relaxed: true, hosted: false, memory: MAXIMUM },
          folders: Object.keys(folders),
          site: site.url,
          args,
        };
        const script = await bundleProgram('workerd-main.ts', program, input, {
          ...{ platform: 'neutral', conditions: ['workerd'], external: ['*.wasm'] },
        });
        const file = join(temporary, 'config.capnp');
        await writeFile(file, config);
        // The configuration embeds files that lie beside it.
        await copyFile(script, join(temporary, 'main.js'));
        for (const name of binaries) await copyFile(join(root, `dist/wasm/${name}.wasm`), join(temporary, `${name}.wasm`));
        const process = runProcess(binary ?? '', ['test', '--no-verbose', file]);
        const value = await Promise.race([site.result<T>(), process.then(() => site.result<T>())]);
        return { ...(await process), value };
      } finally {
        site.close();
        await rm(temporary, { recursive: true });
      }
    },
  },
];
