/** GET /v1/models, /health and /metrics: what the server has, and how it does. */
import { ApiError } from '../errors.js';
import type { Models } from '../models.js';
import type { Route } from './route.js';

const listed = (models: Models) =>
  models.all.map(({ name, task, isLoaded }) => ({
    id: name,
    object: 'model',
    created: models.created,
    owned_by: 'heed',
    task,
    loaded: isLoaded,
  }));

export const list: Route = {
  method: 'get',
  path: '/v1/models',
  summary: 'Lists the models',
  answer: ({ models }) => Response.json({ object: 'list', data: listed(models) }),
};

export const one: Route = {
  method: 'get',
  path: '/v1/models/:model{.+}',
  summary: 'Tells of a model',
  answer({ models }, name) {
    const found = listed(models).find(({ id }) => id === name);
    if (found) return Response.json(found);
    throw new ApiError(404, `The model ${JSON.stringify(name?.slice(0, 100))} does not exist`, { param: 'model', code: 'model_not_found' });
  },
};

export const metrics: Route = {
  method: 'get',
  path: '/metrics',
  summary: 'Tells numbers of the server, for Prometheus',
  produces: ['text/plain'],
  async answer({ models, metrics, running }) {
    const text = await metrics.text(models, running);
    return new Response(text, { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' } });
  },
};

export const health: Route = {
  method: 'get',
  path: '/health',
  summary: 'Tells whether the server answers',
  isOpen: true,
  answer: () => Response.json({ status: 'ok' }),
};
