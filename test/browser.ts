/** What tests in browsers share: the Chromium that is installed here or that HEED_CHROMIUM names, and what sites say to browsers. */
import { existsSync } from 'node:fs';

export const chromiumBinary = [process.env.HEED_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);
export const noChromium = chromiumBinary ? undefined : 'there is no Chromium here; install it, or name its binary in HEED_CHROMIUM';

const flags = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking', 'disable-component-update'];
export const chromiumArgs = [...flags, 'disable-sync'].map((flag) => `--${flag}`);

/** With these headers a page is isolated across origins, and may have threads. */
export const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** No blob: workers, no eval, nothing of another origin. */
export const policy = { 'content-security-policy': "default-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'" };

export const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};
