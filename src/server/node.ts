/** An app behind a port, by node:http, in Node, Deno and Bun. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeedError, kindOf } from '../errors.js';
import { ApiError } from './errors.js';
import { hostCheck } from './hosts.js';
import type { CloseOptions, Server } from './options.js';

/** Options of `listen`. */
export interface ListenOptions {
  /** Port; 0 for any that is free. Default 8080. */
  port?: number | undefined;
  /** Address to listen at. Default '127.0.0.1', which other machines cannot reach. */
  host?: string | undefined;
  /** Seconds that a request's headers, and the whole of it, may take. Default 300. */
  timeout?: number | undefined;
  /** Names beside localhost and IP addresses by which the server may be asked for; '*' for all. Default: none at an address that only the machine itself reaches, all at others. */
  allowedHosts?: string | readonly string[] | undefined;
}

/** A port that is listened at. */
export interface Listening {
  /** Address of the server. */
  readonly url: string;
  /** Port of the server. */
  readonly port: number;
  /** Closes the port, and the server as its own `close` does. */
  close(options?: CloseOptions): Promise<void>;
}

/** Milliseconds for which a connection is kept between two requests: longer than clients and proxies keep theirs, whose next request would meet its end. */
const KEEP_ALIVE = 75_000;
/** Milliseconds that the last answers may take to be sent. */
const LAST_BYTES = 2000;

type Fetch = (request: Request) => Promise<Response>;

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Listener for node:http and for frameworks that have its requests and responses, by an app's `fetch`. */
export function listenerOf(fetch: Fetch): Listener {
  return (incoming, outgoing) => {
    void respond(fetch, incoming, outgoing).catch(() => outgoing.destroy());
  };
}

/** The same for requests that ask for the server by a name that it may have. */
function guarded(listener: Listener, isAllowed: (host: string | undefined) => boolean): Listener {
  return (incoming, outgoing) => {
    const { host } = incoming.headers;
    if (isAllowed(host)) return listener(incoming, outgoing);
    const name = JSON.stringify(host?.slice(0, 100));
    refuse(outgoing, new ApiError(403, `The server is not asked for as ${name}: see --allowed-host`, { code: 'host_not_allowed' }));
  };
}

/** Answers what is no request for the app. */
function refuse(outgoing: ServerResponse, error: ApiError): void {
  outgoing.writeHead(error.status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(error));
}

async function respond(fetch: Fetch, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  let request: Request;
  try {
    request = requestOf(incoming, gone.signal);
  } catch {
    return refuse(outgoing, new ApiError(400, 'The method or the address of the request cannot be read', { code: 'invalid_request' }));
  }
  const { status, headers, body } = await fetch(request);
  // What is left of a body that was refused is not read.
  if (!incoming.complete) outgoing.setHeader('connection', 'close');
  outgoing.writeHead(status, Object.fromEntries(headers));
  const reader = body?.getReader();
  if (reader) {
    const stop = () => void reader.cancel().catch(() => {});
    if (gone.signal.aborted) stop();
    gone.signal.addEventListener('abort', stop, { once: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!outgoing.write(value)) await drained(outgoing);
    }
  }
  outgoing.end();
}

function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '/' } = incoming;
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2)
    headers.append(incoming.rawHeaders[i] as string, incoming.rawHeaders[i + 1] as string);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? bodyOf(incoming) : null;
  // A path that begins with two slashes would be another host's.
  const address = new URL(url.startsWith('/') ? `http://localhost${url}` : url, 'http://localhost');
  return new Request(address, { method, headers, signal, body, ...(body && { duplex: 'half' }) } as RequestInit);
}

/** A body as a stream that is fed as the body comes: while a model computes, each turn of the event loop that reading takes is a wait. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      let isOpen = true;
      const end = (close: () => void) => () => {
        if (isOpen) close();
        isOpen = false;
      };
      incoming.on('data', (chunk: Uint8Array) => {
        if (!isOpen) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
      });
      incoming.on(
        'end',
        end(() => controller.close()),
      );
      incoming.on(
        'close',
        end(() => controller.error(new Error('The connection was closed'))),
      );
      incoming.on('error', () => {});
    },
    pull: () => void incoming.resume(),
    cancel: () => void incoming.pause(),
  });
}

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
    if (outgoing.destroyed) done();
  });

/**
 * Listens at a port. At an address that only the machine itself reaches, requests for another name than localhost, or one of `allowedHosts`, get the status 403. Rejects with ARGUMENT
 * where the port cannot be had.
 * @example const { url, close } = await listen(server, { port: 8080 });
 */
export async function listen(server: Server, options: ListenOptions = {}): Promise<Listening> {
  const { port = 8080, host = '127.0.0.1', timeout = 300, allowedHosts = [] } = options;
  const names = [allowedHosts].flat() as string[];
  for (const name of names)
    if (typeof name !== 'string' || !name)
      throw new HeedError('ARGUMENT', `listen: allowedHosts has ${kindOf(name)}`, {
        culprit: 'allowedHosts',
        cure: 'Give names, without a port',
      });
  const http = createServer(
    {
      requestTimeout: timeout * 1000,
      headersTimeout: Math.min(60, timeout) * 1000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEEP_ALIVE,
    },
    guarded(listenerOf(server.fetch), hostCheck(host, names)),
  );
  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause) =>
      reject(
        new HeedError('ARGUMENT', `listen: ${host}:${port} cannot be had: ${cause.message}`, {
          culprit: 'port',
          cure: 'Give another',
          cause,
        }),
      ),
    );
    http.listen(port, host, resolve);
  });
  const { port: own } = http.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}`,
    port: own,
    async close(given) {
      await server.close(given);
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeIdleConnections();
      // Answers that are made are still on their way.
      const timer = setTimeout(() => http.closeAllConnections(), LAST_BYTES);
      await closed;
      clearTimeout(timer);
    },
  };
}
