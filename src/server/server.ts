/** `createServer`: models behind an app of `Request` and `Response`, by OpenAI's wire format. docs/serving.md says how it works. */
import { Calls } from './calls.js';
import { type Loader, Models } from './models.js';
import { type Server, type ServerOptions, settingsOf } from './options.js';
import { appOf } from './routes/app.js';

/** `createServer` with what loads models on a runtime. */
export const bindServer =
  (loader: Loader) =>
  async (options: ServerOptions): Promise<Server> => {
    const settings = settingsOf(options);
    const models = await Models.open(loader, settings);
    const calls = new Calls();
    const app = appOf(models, settings, calls);
    return {
      app,
      fetch: async (request) => app.fetch(request),
      async close({ grace = 30 } = {}) {
        await calls.close(grace);
        await models.dispose();
      },
    };
  };
