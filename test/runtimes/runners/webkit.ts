/**
 * WebKitGTK, the nearest thing to Safari that runs here: its small browser, driven over plain WebDriver, on a display that nobody sees. It has no
 * SharedArrayBuffer, and so no threads, and no relaxed SIMD.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runInBrowser } from '../browsers.js';
import { OPENING, type Runner } from '../runner.js';

const driver = [process.env.HEED_WEBKIT, '/usr/bin/WebKitWebDriver'].find((path) => path && existsSync(path));
const display = '/usr/bin/xvfb-run';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** https://www.w3.org/TR/webdriver/ */
async function command(url: string, body?: object): Promise<{ sessionId?: string }> {
  const response = await fetch(url, body ? { method: 'POST', body: JSON.stringify(body) } : { method: 'DELETE' });
  const { value } = (await response.json()) as { value: { sessionId?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver: ${value.message}`);
  return value;
}

/** Asks until the driver is there, as long as a browser may take to open. */
async function openSession(base: string): Promise<string> {
  const browser = { binary: minibrowser(), args: ['--automation'] };
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': browser } };
  const latest = performance.now() + OPENING;
  for (;;)
    try {
      return (await command(`${base}/session`, { capabilities })).sessionId ?? '';
    } catch (error) {
      if (performance.now() > latest) throw error;
      await sleep(200);
    }
}

/** /usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser, or its like. */
function minibrowser(): string | undefined {
  const folders = (folder: string) => readdirSync(folder).map((name) => join(folder, name));
  return folders('/usr/lib')
    .filter((folder) => folder.endsWith('-linux-gnu'))
    .flatMap(folders)
    .filter((folder) => /webkit2gtk-[\d.]+$/.test(folder))
    .map((folder) => join(folder, 'MiniBrowser'))
    .find((path) => existsSync(path));
}

export const runners: Runner[] = [
  {
    name: 'WebKitGTK',
    missing: () => (driver && existsSync(display) ? undefined : 'there is no WebKitWebDriver here, or no xvfb-run; install both'),
    version: () => execFileSync(display, ['-a', minibrowser() ?? '', '--version'], { encoding: 'utf8' }).trim(),
    run: (program, args) =>
      runInBrowser({ isolated: true, threads: false, relaxed: false }, program, args, async ({ url }) => {
        const port = await freePort();
        const child = spawn(display, ['-a', driver ?? '', `--port=${port}`], { stdio: 'ignore', detached: true });
        const base = `http://127.0.0.1:${port}`;
        const stop = () => void (child.pid && kill(-child.pid));
        try {
          const session = `${base}/session/${await openSession(base)}`;
          await command(`${session}/url`, { url });
          return async () => {
            await command(session).catch(() => {});
            stop();
          };
        } catch (error) {
          stop();
          throw error;
        }
      }),
  },
];

/** The driver, the display and the browser are one group of processes. */
function kill(group: number): void {
  try {
    process.kill(group);
  } catch {
    // It has ended by itself.
  }
}
