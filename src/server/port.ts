/** The server in a worker of a page: requests are messages, models are loaded when the page says so. Paths, schemas and answers are those of the server behind a port. */
import type { Port } from '../runtime/types.js';
import { type Loader, taskFor } from './models.js';
import type { ServedPipeline, ServedTask, Server } from './options.js';
import type { PageSays, WorkerSays } from './protocol.js';
import { bindServer } from './server.js';

/** Answers a page's messages from now on. */
export function servePort(loader: Loader, port: Port): void {
  const create = bindServer(loader);
  const pipes: Record<string, ServedPipeline> = {};
  const running = new Map<number, AbortController>();
  const say = (message: WorkerSays) => port.postMessage(message, []);
  let engine: ReturnType<Loader['createEngine']> | undefined;
  let server: Server | undefined;

  async function load(id: number, name: string, source: Extract<PageSays, { ask: 'load' }>['source']): Promise<void> {
    const model = { source };
    engine ??= loader.createEngine({});
    const progress_callback = (event: { status: string; progress?: number }) => {
      if (event.status === 'progress_total') say({ tell: 'progress', id, share: (event.progress ?? 0) / 100 });
    };
    const task = (await taskFor(loader, model)) as ServedTask;
    const pipe = await loader.pipeline(task, source, { engine: await engine, progress_callback });
    pipes[name]?.dispose();
    pipes[name] = pipe;
    // A server of pipelines is made at once: it loads nothing.
    server = await create({ models: pipes });
  }

  async function answer(id: number, path: string, body: unknown): Promise<void> {
    const abort = new AbortController();
    running.set(id, abort);
    const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const request = new Request(new URL(path, 'http://localhost'), { ...init, signal: abort.signal });
    const response = (await server?.fetch(request)) ?? Response.json({ object: 'list', data: [] });
    say({ tell: 'head', id, status: response.status, headers: [...response.headers] });
    const reader = response.body?.getReader();
    abort.signal.addEventListener('abort', () => void reader?.cancel().catch(() => {}), { once: true });
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) say({ tell: 'bytes', id, bytes: part.value });
  }

  port.addEventListener('message', ({ data }) => {
    const said = data as PageSays | { ask?: undefined };
    if (said.ask === undefined) return; // the page says it to a thread
    if (said.ask === 'abort') return running.get(said.id)?.abort();
    const work = said.ask === 'load' ? load(said.id, said.name, said.source) : answer(said.id, said.path, said.body);
    const end = (error?: unknown) => {
      running.delete(said.id);
      say({ tell: 'end', id: said.id, ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }) });
    };
    work.then(() => end(), end);
  });
  port.start?.();
}
