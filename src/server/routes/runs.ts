/** GET /runs: curves of training, where the server was told of a folder with runs. */
import { ApiError } from '../errors.js';
import { Runs } from '../runs.js';
import type { Context, Route } from './route.js';

function runsOf({ settings }: Context): Runs {
  if (settings.runs !== undefined) return new Runs(settings.runs);
  throw new ApiError(404, 'This server has no runs', { code: 'not_found' });
}

export const runList: Route = {
  method: 'get',
  path: '/runs',
  summary: 'Lists runs of training',
  answer: async (context) => Response.json({ object: 'list', data: await runsOf(context).list() }),
};

export const run: Route = {
  method: 'get',
  path: '/runs/:run{.+}',
  summary: 'Tells the curves of a run',
  answer: async (context, name = '') => Response.json({ id: name, curves: await runsOf(context).curves(name) }),
};
