/** An example that is a page, as its users have it: heed from npm's tarball, copied and served as its package.json says, in Chromium. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launch } from '../consumers/browser.js';
import { install, pack, root } from '../consumers/packed.js';

export class ExamplePage {
  readonly #servers: ChildProcess[] = [];
  readonly #contexts: BrowserContext[] = [];

  private constructor(
    /** The example's copy, with heed in it. */
    readonly folder: string,
    readonly browser: Browser,
  ) {}

  /** Copies `examples/NAME`, installs heed and runs its build. */
  static async of(name: string): Promise<ExamplePage> {
    const temporary = await mkdtemp(join(tmpdir(), `heed-${basename(name)}-`));
    const folder = join(temporary, name);
    await cp(join(root, 'examples', name), folder, { recursive: true });
    install(pack(temporary), folder);
    await promisify(execFile)('npm', ['run', 'build'], { cwd: folder });
    return new ExamplePage(folder, await launch());
  }

  /** Serves a folder, the example's unless another is given, on a free port. */
  async serve(folder = this.folder): Promise<{ url: string; stop(): Promise<void> }> {
    const server = spawn(process.execPath, ['serve.js', '0'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#servers.push(server);
    const [printed] = await once(server.stdout, 'data');
    const stop = async () => {
      server.kill();
      await once(server, 'exit');
    };
    return { url: String(printed).trim(), stop };
  }

  /** Opens a page of a context of its own, and collects what it complains of. `prepare` runs before it loads. */
  async open(url: string, prepare: (page: Page) => Promise<void> = async () => {}): Promise<{ page: Page; complaints: string[] }> {
    const context = await this.browser.newContext();
    this.#contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await prepare(page);
    await page.goto(url);
    return { page, complaints };
  }

  /** Ends what a test has started. */
  async clear(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.kill();
    for (const context of this.#contexts.splice(0)) await context.close();
  }

  /** Ends the browser, and removes the copy. */
  async dispose(): Promise<void> {
    await this.browser.close();
    await rm(join(this.folder, '..'), { recursive: true });
  }
}
