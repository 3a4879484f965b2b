/** The worker of a page without a server: models run in it, behind the server's own paths. */
import { bindAll } from '../bind_all.js';
import { constrain } from '../generation/grammar/constrain.js';
import { registerResponseFormats } from '../generation/response_format.js';
import { bindConfig } from '../io/auto_config.js';
import type { ModelSource } from '../io/find.js';
import type { Tasks } from '../pipelines/tasks.js';
import type { Port } from '../runtime/types.js';
import { webRuntime } from '../runtime/web.js';
import { startWorkerOfPage } from '../runtime/web-threads.js';
import { servePort } from '../server/port.js';

registerResponseFormats(constrain);
const heed = bindAll({ ...webRuntime, startWorker: startWorkerOfPage });
const config = bindConfig(webRuntime, heed.hub);
servePort(
  {
    createEngine: heed.createEngine,
    pipeline: (task, model: ModelSource, options) => heed.pipeline(task as keyof Tasks, model, options) as never,
    configOf: (model, options) => config.from_pretrained(model, options),
  },
  globalThis as unknown as Port,
);
