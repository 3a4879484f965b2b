/**
 * heed in a page: as in web.ts, with models in a worker, which brings all of heed along. `heed/core` and `heed/inline` have no such worker: it would not know the
 * architectures of the former, and the latter has no files.
 */
import type { HostHandle, Runtime } from './types.js';
import { webRuntime } from './web.js';
import { startThreadsFor } from './web-threads.js';

function startHost(): HostHandle {
  if (typeof Worker === 'undefined') throw new Error('there are no workers here');
  const worker = new Worker(new URL('../runtime/web-host.js', import.meta.url), { type: 'module', name: 'heed' });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      reject(new Error(event.message || 'its script did not load'));
    });
  });
  const endThreads = startThreadsFor(worker, webRuntime.startWorker);
  const terminate = () => {
    worker.terminate();
    endThreads();
  };
  return { port: worker, failed, terminate };
}

/** Runtime of a page. A worker or a service worker draws no page, and runs models itself. */
export const pageRuntime: Runtime = { ...webRuntime, drawsPage: () => typeof document !== 'undefined', startHost };
