/** Serves the page: `node serve.js [PORT]`. Any server of files will do that knows ranges; with these headers the page may have threads. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
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
  'accept-ranges': 'bytes',
};

const server = createServer(async ({ url, headers: { range } }, response) => {
  const path = normalize(new URL(url ?? '/', 'http://localhost').pathname); // which has no `..` left
  const file = join(import.meta.dirname, 'site', path.endsWith('/') ? `${path}index.html` : path);
  const { size } = await stat(file).then(
    (found) => (found.isFile() ? found : { size: -1 }),
    () => ({ size: -1 }),
  );
  const type = types[/** @type {keyof typeof types} */ (extname(file))] ?? 'application/octet-stream';
  if (size < 0) return void response.writeHead(404, headers).end();
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const [start, end] = [Number(from), to ? Math.min(Number(to), size - 1) : size - 1];
  const part = from && start <= end ? { 'content-range': `bytes ${start}-${end}/${size}` } : undefined;
  const length = part ? end - start + 1 : size;
  response.writeHead(part ? 206 : 200, { ...headers, 'content-type': type, 'content-length': length, ...part });
  if (size === 0) return void response.end();
  createReadStream(file, part && { start, end })
    .on('error', () => response.destroy())
    .pipe(response);
});
server.listen(Number(process.argv[2] ?? 8080), () => {
  console.log(`http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`);
});
