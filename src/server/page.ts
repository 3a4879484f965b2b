/** Files of the page that people open, as they lie beside heed's: read once, sent under a policy that lets the page load and ask nothing but this server. */

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Types of the files by their paths in dist/page. */
export const pageFiles = {
  'index.html': 'text/html; charset=utf-8',
  'main.js': 'text/javascript; charset=utf-8',
  'main.css': 'text/css; charset=utf-8',
} as const;

const read = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** A file of the page. */
export async function pageFile(name: keyof typeof pageFiles): Promise<Response> {
  // Only a server that has the page asks for files, so that heed in a page does without them.
  const bytes = read.get(name) ?? import('node:fs/promises').then(({ readFile }) => readFile(new URL(`../page/${name}`, import.meta.url)));
  read.set(name, bytes);
  const headers = {
    'content-type': pageFiles[name],
    'content-security-policy': policy,
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  return new Response(await bytes, { headers });
}
