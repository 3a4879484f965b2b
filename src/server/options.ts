/** Options of `createServer`, and what it returns. */
import type { EngineOptions } from '../engine/options.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { ModelSource } from '../io/find.js';
import type { PretrainedOptions } from '../models/options.js';
import type { Tasks } from '../pipelines/tasks.js';

/** Tasks that the server has paths for. */
export const servedTasks = [
  'text-generation',
  'feature-extraction',
  'text-classification',
  'translation',
  'automatic-speech-recognition',
  'image-classification',
  'image-feature-extraction',
] as const;

/** A task that the server has paths for. */
export type ServedTask = (typeof servedTasks)[number];

/** A pipeline that was loaded for one of these tasks. */
export type ServedPipeline = Tasks[ServedTask];

/** A model that the server loads. */
export interface ServedModel {
  /** Folder, URL, name on the hub, or files of the model. */
  source: ModelSource;
  /** Task of the model. Default: by its config.json. */
  task?: ServedTask | undefined;
  /** Options of loading: `dtype`, `revision`, `cache_dtype` and others. */
  options?: Omit<PretrainedOptions, 'engine' | 'signal' | 'progress_callback'> | undefined;
}

/** A request that was answered, or refused. */
export interface RequestLog {
  /** Time of the request's arrival, in ISO 8601. */
  time: string;
  /** Id of the request, which its answer has in the header x-request-id. */
  id: string;
  /** HTTP method. */
  method: string;
  /** Path of the request, without a query. */
  path: string;
  /** HTTP status; of a stream that ended early, the status of what ended it: 499 for a client that left, 504 for the deadline. */
  status: number;
  /** Milliseconds from arrival to the end of the answer. */
  milliseconds: number;
  /** Name of the model. */
  model?: string;
  /** Tokens that were read. */
  prompt_tokens?: number;
  /** Tokens that were written. */
  completion_tokens?: number;
  /** Milliseconds from arrival to the first token. */
  first_token?: number;
  /** What went wrong: of a refused request the code and the field at fault, else the message of the error. */
  error?: string;
  /** Body of the request, with the option `logTexts`. */
  request?: unknown;
}

/** Options of `createServer`. */
export interface ServerOptions {
  /** Models by the names under which requests ask for them: where each is, or a pipeline that was loaded. */
  models: Readonly<Record<string, string | URL | ServedModel | ServedPipeline>>;
  /** Options of the engine that loads models; `memory.maximum` limits what they take together. */
  engine?: EngineOptions | undefined;
  /** Keys, one of which each request must bring as `Authorization: Bearer KEY`. Default: none is needed. */
  apiKey?: string | readonly string[] | undefined;
  /** Origins whose pages may call the server; '*' for all. Default: none. */
  cors?: string | readonly string[] | undefined;
  /** Texts that a model works on at once. Default 32. */
  maxBatch?: number | undefined;
  /** Requests that may wait for a model; others get the status 429. Default 128. */
  maxQueue?: number | undefined;
  /** Seconds after which a request is ended, with the status 408 while its body comes and 504 later. Default 300. */
  timeout?: number | undefined;
  /** Largest body of a request, in bytes; larger ones get the status 413. Default 32 MiB. */
  bodyLimit?: number | undefined;
  /** `true` for the page at `/`, where people talk to the models. Default false. */
  page?: boolean | undefined;
  /** Folder with runs of training, whose curves the page draws: folders with TensorBoard's events, or with a curve.json. Default: none. */
  runs?: string | undefined;
  /** Called for each request when its answer has ended. */
  log?: ((request: RequestLog) => void) | undefined;
  /** `true` for the bodies of requests in the log. Default false. */
  logTexts?: boolean | undefined;
}

/** A server of models, without a port: an app of `Request` and `Response`. */
export interface Server {
  /** The app, to be mounted in one of your own: `own.mount('/ai', server.app.fetch)` in Hono, `Deno.serve(server.app.fetch)`. */
  readonly app: {
    /** Answers a request. */
    fetch(request: Request): Response | Promise<Response>;
  };
  /** Answers a request. */
  fetch(request: Request): Promise<Response>;
  /** Refuses new requests with the status 503, waits for those that run, up to `grace` seconds (default 30), ends the others, and frees the models. */
  close(options?: CloseOptions): Promise<void>;
}

/** Options of the end of a server. */
export interface CloseOptions {
  /** Seconds that running requests may still take. Default 30. */
  grace?: number | undefined;
}

export const optionNames = [
  ...['models', 'engine', 'apiKey', 'cors', 'maxBatch', 'maxQueue', 'timeout', 'bodyLimit', 'page', 'runs', 'log', 'logTexts'],
] as const;

/** Options with their defaults. */
export interface Settings {
  readonly models: ServerOptions['models'];
  readonly engine: EngineOptions;
  readonly keys: readonly string[];
  readonly origins: readonly string[];
  readonly maxBatch: number;
  readonly maxQueue: number;
  readonly timeout: number;
  readonly bodyLimit: number;
  readonly page: boolean;
  readonly runs: string | undefined;
  readonly log: (request: RequestLog) => void;
  readonly logTexts: boolean;
}

/** Checks options. Throws ARGUMENT, UNSUPPORTED. */
export function settingsOf(options: ServerOptions): Settings {
  checkOptions(options, optionNames, 'createServer');
  const { models, engine = {}, apiKey = [], cors = [], log = () => {} } = options;
  const { page = false, runs, logTexts = false } = options;
  const wrong = (name: string, value: unknown, cure: string) =>
    new HeedError('ARGUMENT', `createServer: ${name} is ${kindOf(value)}`, { culprit: name, cure });
  if (typeof models !== 'object' || models === null || !Object.keys(models).length)
    throw wrong('models', models, 'Give at least one, by its name: { models: { name: source } }');
  const { maxBatch = 32, maxQueue = 128, timeout = 300, bodyLimit = 32 * 2 ** 20 } = options;
  for (const [name, value, least] of [
    ['maxBatch', maxBatch, 1],
    ['maxQueue', maxQueue, 0],
    ['bodyLimit', bodyLimit, 1],
  ] as const)
    if (!(Number.isSafeInteger(value) && value >= least)) throw wrong(name, value, `It is a whole number from ${least} on`);
  // Timers count up to 2³¹ milliseconds.
  if (!(typeof timeout === 'number' && timeout > 0 && timeout <= 2_000_000)) throw wrong('timeout', timeout, 'It is in seconds, above 0');
  if (typeof log !== 'function') throw wrong('log', log, 'Give a function');
  for (const [name, value] of Object.entries({ page, logTexts }))
    if (typeof value !== 'boolean') throw wrong(name, value, 'It is true or false');
  if (runs !== undefined && (typeof runs !== 'string' || !runs)) throw wrong('runs', runs, 'Give the path of a folder');
  const [keys, origins] = [[apiKey].flat(), [cors].flat()] as [string[], string[]];
  for (const [name, list] of Object.entries({ apiKey: keys, cors: origins }))
    for (const one of list) if (typeof one !== 'string' || !one) throw wrong(name, one, 'Give a text, or several');
  return { models, engine, keys, origins, maxBatch, maxQueue, timeout, bodyLimit, page, runs, log, logTexts };
}
