/** Entry file of a thread on Node, Deno and Bun. */
import { parentPort, workerData } from 'node:worker_threads';
import { runThread } from '../engine/worker.js';

runThread(workerData, () => parentPort?.postMessage('ready'));
