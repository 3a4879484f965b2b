/** heed where neither files nor URLs can be had: the kernels come inside of the module, in base64. One thread. */
import { bindAll } from '../index.js';
import type { Binary, Runtime } from '../runtime/types.js';
import { webRuntime } from '../runtime/web.js';
import { wasm } from './inline-wasm.js';

const decode = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const inlineRuntime: Runtime = {
  ...webRuntime,
  name: 'inline',
  noThreads: () => 'heed/inline has no worker file, and so no threads',
  loadModule: (binary: Binary) => WebAssembly.compile(decode(wasm[binary])),
};

export * from '../index.js';
export const { createEngine, pipeline, AutoModel, AutoTokenizer } = bindAll(inlineRuntime);
