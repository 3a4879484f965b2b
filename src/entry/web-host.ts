/** The worker that runs models for a page. Its build is dist/runtime/web-host.js, one file without imports. */
import { all } from '../autos.js';
import { bindAll } from '../bind_all.js';
import { bindHost } from '../bind_models.js';
import { constrain } from '../generation/grammar/constrain.js';
import { registerResponseFormats } from '../generation/response_format.js';
import { webRuntime } from '../runtime/web.js';
import { startWorkerOfPage } from '../runtime/web-threads.js';

registerResponseFormats(constrain);
bindHost(bindAll({ ...webRuntime, startWorker: startWorkerOfPage }), all)();
