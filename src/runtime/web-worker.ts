/** Entry file of a thread in a browser. */
import { runThread } from '../engine/worker.js';
import type { WorkerInit } from './types.js';

addEventListener('message', ({ data }: MessageEvent<WorkerInit>) => runThread(data, () => postMessage('ready')), { once: true });
