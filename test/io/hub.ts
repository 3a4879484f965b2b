/**
 * A server that speaks the Hugging Face hub's addresses, and a second one, of another origin, where it sends for large files. What goes wrong is said per request
 * by `fault`; what was asked for stands in `log`.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  host: 'hub' | 'cdn';
  method: string;
  /** The file, or the path of the API. */
  file: string;
  range: string | undefined;
  token: string | undefined;
  /** How often it was asked for by this method before. */
  turn: number;
}

export interface Fault {
  status?: number;
  headers?: Record<string, string | number>;
  /** The connection breaks after so many bytes of the body. */
  cut?: number;
  /** Other bytes than the right ones. */
  body?: Uint8Array;
  /** Ranges are not known. */
  noRange?: boolean;
  /** Milliseconds before each piece of 10 kB. */
  slow?: number;
  /** Nothing more comes after so many bytes of the body, and the connection stays. */
  stall?: number;
  /** Nothing comes. */
  silent?: boolean;
  /** The connection ends at once. */
  refused?: boolean;
}

export type Files = Readonly<Record<string, Uint8Array>>;

export interface Repo {
  /** By commit. */
  commits: Record<string, Files>;
  /** Branches and tags. */
  refs: Record<string, string>;
  /** Who may read it. */
  token?: string;
  gated?: boolean;
  /** It was called so before. */
  renamed?: string;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const gitHash = (bytes: Uint8Array): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const isLarge = (file: string): boolean => /\.(safetensors|bin|onnx|gguf)$/.test(file);

export class FakeHub {
  readonly log: Asked[] = [];
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  /** Answers of both servers that were not sent to their end. */
  broken = 0;
  #servers: Server[] = [];
  url = '';
  #cdn = '';

  constructor(readonly repos: Record<string, Repo>) {}

  static async start(repos: Record<string, Repo>): Promise<FakeHub> {
    const hub = new FakeHub(repos);
    hub.url = await hub.#listen((request, response) => hub.#hub(request, response));
    hub.#cdn = await hub.#listen((request, response) => hub.#bytes(request, response));
    return hub;
  }

  async #listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const server = createServer((request, response) => {
      response.on('close', () => {
        if (!response.writableFinished) this.broken++;
      });
      for (const [name, value] of Object.entries({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'X-Repo-Commit,X-Error-Code,ETag,Content-Range,X-Linked-Size,X-Linked-ETag',
      }))
        response.setHeader(name, value);
      answer(request, response);
    });
    this.#servers.push(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** The second server's address. */
  get far(): string {
    return this.#cdn;
  }

  /** The requests so far, as `GET config.json`, and forgets them. */
  taken(host?: Asked['host']): string[] {
    return this.log
      .splice(0)
      .filter((asked) => !host || asked.host === host)
      .map(({ method, file, range }) => `${method} ${file}${range ? ` ${range}` : ''}`);
  }

  stop(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  #note(host: Asked['host'], request: IncomingMessage, file: string): [Asked, Fault] {
    const { method = '', headers } = request;
    const turn = this.log.filter((other) => other.host === host && other.file === file && other.method === method).length;
    const asked = { host, method, file, range: headers.range, token: headers.authorization, turn };
    const fault = this.fault(asked) ?? {};
    this.log.push(asked);
    return [asked, fault];
  }

  #hub(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url ?? '', this.url).pathname);
    const [, id = '', revision = '', file = ''] = /^\/([\w.-]+\/[\w.-]+)\/resolve\/(refs\/pr\/\d+|[\w.-]+)\/(.+)$/.exec(path) ?? [];
    const [, listed = '', at = ''] = /^\/api\/models\/([\w.-]+\/[\w.-]+)\/revision\/(.+)$/.exec(path) ?? [];
    const [asked, fault] = this.#note('hub', request, file || path);
    if (fault.refused) return void request.socket.destroy();
    if (fault.silent) return;
    const fail = (status: number, code = '', headers = {}) => response.writeHead(status, { 'x-error-code': code, ...headers }).end();
    if (fault.status) return void response.writeHead(fault.status, fault.headers).end();
    const repo = this.repos[id || listed];
    if (!repo) return void fail(401, 'RepoNotFound');
    if (repo.renamed) return void fail(307, '', { location: path.replace(id, repo.renamed) });
    if (repo.gated && asked.token !== `Bearer ${repo.token}`) return void fail(asked.token ? 403 : 401, 'GatedRepo');
    if (repo.token && asked.token !== `Bearer ${repo.token}`) return void fail(401, 'RepoNotFound');
    const commit = repo.refs[revision || at] ?? (revision || at);
    const files = repo.commits[commit];
    if (!files) return void fail(404, 'RevisionNotFound');
    if (listed) return void response.end(JSON.stringify({ sha: commit, siblings: Object.keys(files).map((rfilename) => ({ rfilename })) }));
    const bytes = files[file];
    if (!bytes) return void fail(404, 'EntryNotFound', { 'x-repo-commit': commit });
    if (!isLarge(file)) {
      response.setHeader('x-repo-commit', commit);
      response.setHeader('etag', `"${gitHash(bytes)}"`);
      void this.#send(asked, fault, bytes, response);
      return;
    }
    response.writeHead(302, {
      'x-repo-commit': commit,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': bytes.length,
      location: `${this.#cdn}/${id}/${commit}/${file}?Signature=s3cret`,
      ...fault.headers,
    });
    response.end();
  }

  #bytes(request: IncomingMessage, response: ServerResponse): void {
    const [, owner, name, commit = '', ...rest] = new URL(request.url ?? '', this.#cdn).pathname.split('/');
    const file = rest.join('/');
    const [asked, fault] = this.#note('cdn', request, file);
    if (fault.status) return void response.writeHead(fault.status, fault.headers).end();
    const bytes = this.repos[`${owner}/${name}`]?.commits[commit]?.[file] as Uint8Array;
    response.setHeader('etag', '"of-the-cdn"');
    void this.#send(asked, fault, bytes, response);
  }

  async #send({ method, range }: Asked, fault: Fault, right: Uint8Array, response: ServerResponse): Promise<void> {
    const bytes = fault.body ?? right;
    const [, from, to] = (!fault.noRange && /^bytes=(\d+)-(\d*)$/.exec(range ?? '')) || [];
    const begin = Number(from ?? 0);
    if (begin >= bytes.length && from !== undefined)
      return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    const end = Math.min(bytes.length, to ? Number(to) + 1 : bytes.length);
    response.writeHead(from === undefined ? 200 : 206, {
      'content-length': end - begin,
      ...(from !== undefined && { 'content-range': `bytes ${begin}-${end - 1}/${bytes.length}` }),
      ...fault.headers,
    });
    if (method === 'HEAD') return void response.end();
    const closed = once(response, 'close');
    const until = Math.min(end, begin + (fault.cut ?? fault.stall ?? Number.POSITIVE_INFINITY));
    for (let at = begin; at < until && !response.destroyed; at += 10_000) {
      if (fault.slow) await new Promise((resolve) => setTimeout(resolve, fault.slow));
      const piece = bytes.subarray(at, Math.min(until, at + 10_000));
      if (!response.write(piece)) await Promise.race([once(response, 'drain'), closed]);
    }
    if (fault.stall !== undefined) return;
    if (fault.cut === undefined) response.end();
    else setTimeout(() => response.destroy(), 20);
  }
}
