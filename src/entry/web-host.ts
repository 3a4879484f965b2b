/** The file of the worker that runs models for a page. It becomes dist/runtime/web-host.js, one file with all that it needs. */
import { bindAll, serveModels } from '../index.js';
import { webRuntime } from '../runtime/web.js';

serveModels(bindAll(webRuntime));
