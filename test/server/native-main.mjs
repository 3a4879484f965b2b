/** heed's server behind the HTTP server that Deno or Bun has: prints its address, and ends when standard input does. Arguments: the folders of an encoder and of a language model. */
import process from 'node:process';

const { createServer } = await import(new URL('../../dist/bundle/server.js', import.meta.url).href);
const { Deno, Bun } = /** @type {any} */ (globalThis);
const [embed = '', chat = ''] = process.argv.slice(2);
const server = await createServer({ models: { embed, chat }, engine: { threads: 1, deterministic: true }, maxBatch: 1, maxQueue: 0 });
const address = { port: 0, hostname: '127.0.0.1' };
const port = Deno
  ? Deno.serve({ ...address, onListen: () => {} }, server.fetch).addr.port
  : Bun.serve({ ...address, fetch: server.fetch }).port;
console.log(`http://127.0.0.1:${port}`);
process.stdin.resume().once('end', async () => {
  await server.close();
  process.exit(0);
});
