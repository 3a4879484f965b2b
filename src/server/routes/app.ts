/** The app: who may call, what bodies are, which route answers, and how errors are told; in Hono, on `Request` and `Response` alone. */
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type * as z from 'zod';
import { jsonOf } from '../body.js';
import { Call } from '../call.js';
import type { Calls } from '../calls.js';
import { ApiError } from '../errors.js';
import { formOf } from '../form.js';
import { keyCheck } from '../keys.js';
import { Metrics } from '../metrics.js';
import type { Models } from '../models.js';
import type { Settings } from '../options.js';
import type { Route } from './route.js';
import { routes } from './table.js';

/** The app of some models. */
export function appOf(models: Models, settings: Settings, calls: Calls): Hono {
  const app = new Hono();
  const metrics = new Metrics();
  const hasKey = keyCheck(settings.keys);
  const { origins, bodyLimit, logTexts } = settings;
  if (origins.length) app.use(cors({ origin: origins.includes('*') ? '*' : [...origins], exposeHeaders: ['x-request-id', 'retry-after'] }));

  const answer = async (call: Call, route: Route, name: string | undefined) => {
    const context = { call, models, metrics, settings, running: calls.running };
    if (route.method === 'get') return route.answer(context, name);
    const value = await (route.isForm ? formOf : jsonOf)(call, bodyLimit, origins);
    if (logTexts && !route.isForm) call.facts.request = value;
    const body = parsed(route.body, value) as { model: string };
    const held = await models.hold(body.model, ...route.tasks);
    call.atEnd(() => held.release(call.failure?.cause));
    call.facts.model = held.entry.name;
    for (;;) {
      try {
        return await route.answer(body, held, context);
      } catch (error) {
        // What the step needs may be what another model's weights take.
        if (call.signal.aborted || !models.makeRoom(error)) throw error;
      }
    }
  };

  /** Answers a request by a route, or by an error where there is none; counts and logs it at its end. */
  const handle = async (request: Request, found: Route | ApiError, name?: string): Promise<Response> => {
    const route = found instanceof ApiError ? undefined : found;
    const call = new Call(request, settings.timeout, route?.method === 'post' ? route.names : undefined);
    calls.add(call);
    call.atEnd(() => {
      const { id, begin, status, milliseconds, facts } = call;
      const line = {
        time: new Date(begin).toISOString(),
        id,
        method: request.method,
        path: pathOf(request),
        status,
        milliseconds,
        ...facts,
      };
      metrics.count(route?.path ?? 'other', line);
      settings.log(line);
    });
    let response: Response;
    try {
      calls.expectOpen();
      if (!(route?.method === 'get' && route.isOpen) && !(await hasKey(request)))
        throw new ApiError(401, 'The key is missing, or wrong: send Authorization: Bearer KEY', { code: 'invalid_api_key' });
      if (!route) throw found;
      response = await answer(call, route, name);
      call.status = response.status;
    } catch (thrown) {
      const error = call.fail(thrown);
      response = Response.json(error, { status: error.status, headers: error.headers });
    }
    response.headers.set('x-request-id', call.id);
    if (!call.isStreaming) call.end();
    return response;
  };

  for (const route of routes)
    app[route.method](route.path, ({ req }) => handle(req.raw, route, Object.values(req.param() as Record<string, string>)[0]));
  for (const { method, path } of routes)
    app.all(path, ({ req }) => {
      const allow = method.toUpperCase();
      return handle(
        req.raw,
        new ApiError(405, `${path} takes ${allow}, not ${req.method.slice(0, 20)}`, { code: 'method_not_allowed', headers: { allow } }),
      );
    });
  app.notFound(({ req }) => handle(req.raw, new ApiError(404, `There is no ${pathOf(req.raw)}`, { code: 'not_found' })));
  return app;
}

const pathOf = (request: Request): string => new URL(request.url).pathname.slice(0, 200);

/** A body by its schema. Throws 400 with the first fault. */
function parsed(schema: z.ZodType, value: unknown): unknown {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const { issue, path } = innermost(error.issues[0] as z.core.$ZodIssue, []);
  if (issue.code === 'unrecognized_keys') {
    const param = [...path, issue.keys[0]].join('.');
    throw new ApiError(400, `Unknown parameter: ${param}`, { param, code: 'unknown_parameter' });
  }
  const param = path.join('.') || null;
  throw new ApiError(400, param ? `Invalid ${param}: ${issue.message}` : issue.message, { param, code: 'invalid_value' });
}

/** The fault within the alternatives of a value: of the alternative that fits furthest. */
function innermost(issue: z.core.$ZodIssue, before: readonly string[]): { issue: z.core.$ZodIssue; path: readonly string[] } {
  const path = [...before, ...issue.path.map(String)];
  const inner = issue.code === 'invalid_union' && issue.message === 'Invalid input' ? issue.errors.flatMap(([first]) => first ?? []) : [];
  const [best] = inner.map((one) => innermost(one, path)).sort((a, b) => b.path.length - a.path.length);
  return best && best.path.length > path.length ? best : { issue, path };
}
