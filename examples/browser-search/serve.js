/** Serves the page: `node serve.js [PORT]`. Any server of files will do; with these headers the page may have threads. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};
const headers = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'content-security-policy': "default-src 'self'; img-src data:; script-src 'self' 'wasm-unsafe-eval'",
};

const server = createServer(async ({ url }, response) => {
  const path = normalize(new URL(url ?? '/', 'http://localhost').pathname); // which has no `..` left
  const body = await readFile(join(import.meta.dirname, 'site', path.endsWith('/') ? `${path}index.html` : path)).catch(() => undefined);
  const type = types[/** @type {keyof typeof types} */ (extname(path) || '.html')] ?? 'application/octet-stream';
  response.writeHead(body ? 200 : 404, { ...headers, 'content-type': type }).end(body);
});
server.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`);
});
