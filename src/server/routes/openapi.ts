/** The description of all paths in OpenAPI 3.1, made of the schemas that check requests. */
import * as z from 'zod';
import { VERSION } from '../../engine/build.js';
import type { Models } from '../models.js';
import type { Route } from './route.js';

const error = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
};

const failures: Readonly<Record<string, string>> = {
  400: 'Something is wrong with the request',
  401: 'The key is missing, or wrong',
  403: 'A page of another origin posts a form',
  404: 'There is no such path, or model',
  405: 'The path takes another method',
  408: 'The body did not come in time',
  413: 'The body is too large',
  415: 'The body is of another type',
  429: 'The queue is full; Retry-After has seconds',
  503: 'Memory does not hold it now, or the server is shutting down',
  504: 'The answer took too long',
};

const failed = Object.entries(failures).map(([status, description]) => [
  status,
  { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
]);

function operationOf(route: Route, models: Models): object {
  const { method, path, summary } = route;
  const success = {
    description: 'The answer',
    content: Object.fromEntries((route.produces ?? ['application/json']).map((type) => [type, {}])),
  };
  const common = {
    summary,
    operationId: `${method}${path.replace(/\W+(\w)/g, (_, c: string) => c.toUpperCase()).replace(/\W/g, '')}`,
    responses: { 200: success, ...Object.fromEntries(failed) },
    ...(method === 'get' && route.isOpen && { security: [] }),
  };
  if (method === 'get') {
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } }));
    return { ...common, ...(parameters.length && { parameters }) };
  }
  const { $schema, ...schema } = z.toJSONSchema(route.body, { io: 'input', unrepresentable: 'any' });
  const names = models.all.flatMap(({ name, task }) => (route.tasks.includes(task) ? [name] : []));
  // Names are a list that models alone know.
  if (names.length) Object.assign(schema.properties?.model ?? {}, { enum: names });
  return {
    ...common,
    requestBody: { required: true, content: { [route.isForm ? 'multipart/form-data' : 'application/json']: { schema } } },
  };
}

/** The description of some routes, for the models that there are. */
export function descriptionOf(routes: readonly Route[], models: Models): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)(\{[^/]*\})?/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operationOf(route, models) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'heed',
      version: VERSION,
      description: 'Models behind HTTP, by the wire format of OpenAI’s API.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { key: [] }],
    paths,
    components: { schemas: { Error: error }, securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  };
}
