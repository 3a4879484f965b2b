/**
 * heed/server: models behind HTTP, by OpenAI's wire format, in Node, Deno and Bun.
 * @module heed/server
 */
import type { ModelSource } from '../io/find.js';
import type { Tasks } from '../pipelines/tasks.js';
import type { Server, ServerOptions } from '../server/options.js';
import { bindServer } from '../server/server.js';
import { AutoConfig, createEngine, pipeline } from './node.js';

export { type Listening, type ListenOptions, listen, listenerOf } from '../server/node.js';
export type { CloseOptions, RequestLog, ServedModel, ServedPipeline, ServedTask, Server, ServerOptions } from '../server/options.js';

/**
 * Makes a server of models: an app that answers `Request`s, for `listen`, `Deno.serve`, `Bun.serve`, or a place in an app of yours. Rejects with what is wrong with a model or an
 * option.
 * @example
 * ```js
 * const server = await createServer({ models: { smollm: 'HuggingFaceTB/SmolLM2-135M-Instruct' } });
 * const { url } = await listen(server, { port: 8080 });
 * ```
 */
export const createServer: (options: ServerOptions) => Promise<Server> = bindServer({
  createEngine,
  pipeline: (task, model: ModelSource, options) => pipeline(task as keyof Tasks, model, options) as never,
  configOf: (model, options) => AutoConfig.from_pretrained(model, options),
});
