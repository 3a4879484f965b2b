/** Paths of the server, as data: what a request's body is, which models it is for, and what answers it. The app and its description are made of the same table. */
import type * as z from 'zod';
import type { Call } from '../call.js';
import type { FieldNames } from '../errors.js';
import type { Metrics } from '../metrics.js';
import type { Held, Models } from '../models.js';
import type { ServedTask, Settings } from '../options.js';

/** What a path gets beside the body. */
export interface Context {
  readonly call: Call;
  readonly models: Models;
  readonly metrics: Metrics;
  readonly settings: Settings;
  /** Number of requests that run. */
  readonly running: number;
}

/** What all routes have. */
interface Described {
  readonly path: string;
  readonly summary: string;
  /** Types of the answer. Default: JSON. */
  readonly produces?: readonly string[];
}

/** Answers requests for a model: `body` is what the schema made of the request's. */
export interface ModelRoute<Body extends z.ZodType = z.ZodType, Task extends ServedTask = ServedTask> extends Described {
  readonly method: 'post';
  readonly body: Body;
  /** `true` where the body is a form with a file, not JSON. */
  readonly isForm?: boolean;
  readonly tasks: readonly Task[];
  /** Fields whose options have other names than on most paths, by the options. */
  readonly names?: FieldNames;
  answer(body: z.infer<Body>, held: Held<Task>, context: Context): Promise<Response>;
}

/** Answers requests that say nothing but their path. */
export interface PlainRoute extends Described {
  readonly method: 'get';
  /** `true` where no key is needed. */
  readonly isOpen?: boolean;
  /** `true` for what people open, and programs do not ask for: the description is without it. */
  readonly isPage?: boolean;
  answer(context: Context, name?: string): Promise<Response> | Response;
}

export type Route = ModelRoute | PlainRoute;

/** A route, with the types of its schema. */
export const modelRoute = <Body extends z.ZodType, Task extends ServedTask>(route: ModelRoute<Body, Task>): Route =>
  route as unknown as Route;
