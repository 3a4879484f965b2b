/** An example that is a Worker as its users have it: heed from npm's tarball, built as package.json says, and served by workerd under the caps that its configuration sets. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { binaryOf } from '../../scripts/runtimes.mjs';
import { install, pack, root } from '../consumers/packed.js';

export const binary = binaryOf('workerd');
/** Whether workerd is there, or must be. */
export const wanted = binary || process.env.HEED_REQUIRE_RUNTIMES;

export class BuiltWorker {
  readonly #children: ChildProcess[] = [];

  private constructor(
    /** Its files; those of its model are below assets/model. */
    readonly folder: string,
  ) {}

  /** Builds examples/NAME in a folder of its own. */
  static async of(name: string): Promise<BuiltWorker> {
    const temporary = await mkdtemp(join(tmpdir(), 'heed-worker-'));
    const folder = join(temporary, 'worker');
    await cp(join(root, 'examples', name), folder, { recursive: true });
    install(pack(temporary), folder);
    const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
    await promisify(execFile)('npm', ['run', 'build'], { cwd: folder, env });
    return new BuiltWorker(folder);
  }

  /** Starts workerd on a free port, and gives the address and the process. It tells on a file descriptor what it listens to. Assets may come from a server instead. */
  async start(assets?: Server): Promise<{ url: string; pid: number }> {
    let config = 'config.capnp';
    if (assets) {
      const external = `external = (address = "127.0.0.1:${(assets.address() as AddressInfo).port}", http = ())`;
      const text = await readFile(join(this.folder, config), 'utf8');
      config = 'server.capnp';
      await writeFile(join(this.folder, config), text.replace('disk = "assets"', external));
    }
    const child = spawn(binary ?? 'workerd', ['serve', config, '--socket-addr=http=127.0.0.1:0', '--control-fd=3'], {
      cwd: this.folder,
      env: {},
      stdio: ['ignore', 'inherit', 'ignore', 'pipe'],
    });
    this.#children.push(child);
    for await (const text of child.stdio[3] as Readable) {
      const { event, port } = JSON.parse(String(text).split('\n')[0] ?? '');
      if (event === 'listen') return { url: `http://127.0.0.1:${port}/`, pid: child.pid as number };
    }
    throw new Error('workerd did not start');
  }

  async serve(assets?: Server): Promise<string> {
    return (await this.start(assets)).url;
  }

  /** A server of assets: `answer` may keep a file back, or give another status. */
  async assetsFrom(answer: (path: string) => Promise<number>): Promise<Server> {
    const server = createServer(async ({ url = '' }, response) => {
      const [status, body] = [await answer(url), await readFile(join(this.folder, 'assets', url)).catch(() => undefined)];
      response.writeHead(body ? status : 404).end(status === 200 ? body : undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  /** Ends what was started. */
  stop(): void {
    for (const child of this.#children.splice(0)) child.kill();
  }

  /** Removes its files. */
  remove(): Promise<void> {
    return rm(join(this.folder, '..'), { recursive: true });
  }
}
