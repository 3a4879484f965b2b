/** The file of the worker that runs models for a page. It becomes dist/runtime/web-host.js, one file with all that it needs. */
import { all } from '../autos.js';
import { bindHost } from '../bind.js';
import { bindAll } from '../bind_all.js';
import { constrain } from '../generation/grammar/constrain.js';
import { registerResponseFormats } from '../generation/response_format.js';
import { webRuntime } from '../runtime/web.js';

registerResponseFormats(constrain);
bindHost(bindAll(webRuntime), all)();
