/** A registry of npm's with a few packages in it, so that npm works as for somebody far away, and without a network. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { root } from './packed.js';

/** Folders of what heed needs where it is installed, found as package-lock.json has them. */
export function dependencies(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages as Record<string, Readonly<Record<string, unknown>>>).flatMap(([path, entry]) => {
    const needed = path.startsWith('node_modules/') && !['dev', 'peer', 'optional', 'devOptional', 'link'].some((flag) => entry[flag]);
    return needed ? [path] : [];
  });
}

/** Serves tarballs as their packages' only versions. */
export async function openRegistry(tarballs: readonly string[]): Promise<{ url: string; close(): void }> {
  const packages = new Map(
    tarballs.map((path) => {
      const manifest = JSON.parse(execFileSync('tar', ['xzOf', path, 'package/package.json'], { encoding: 'utf8' }));
      return [manifest.name as string, { manifest, bytes: readFileSync(path) }];
    }),
  );
  const server = createServer(({ url = '', headers }, response) => {
    const [, name, isTarball] = /^\/([^/]+)(\/-\.tgz)?$/.exec(decodeURIComponent(url)) ?? [];
    const found = packages.get(name ?? '');
    if (!found) return void response.writeHead(404).end('{}');
    if (isTarball) return void response.end(found.bytes);
    const { manifest, bytes } = found;
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const version = { ...manifest, dist: { tarball: `http://${headers.host}/${name}/-.tgz`, integrity } };
    const { version: latest } = manifest;
    response.end(JSON.stringify({ name, 'dist-tags': { latest }, versions: { [latest]: version } }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
