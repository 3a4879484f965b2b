/**
 * What a server bears, on this machine alone: `heed serve` in a process of its own, and clients here.
 *
 *   node scripts/load.mjs --model MODEL [--embedder MODEL] [--threads 2] [--clients 1,4,16,64] [--seconds 20] [--requests 10000] [--overload 60] [--kills 3]
 *
 * Prints a line of JSON for each measure, and progress on standard error. First speeds (load/speeds.mjs): how fast a prompt of 128 tokens is read; for each number of clients, for as many seconds,
 * tokens a second and times to the first token; a short prompt beside one of 2,000 tokens; texts embedded a second. Then faults (load/faults.mjs), in deterministic mode: so many requests, after which memory
 * is what it was after the first; four times as many clients as the server has room for, for so many seconds; threads that are killed at work. Ends with code 1 where an answer was lost, or
 * differs from the one computed alone, or memory was left behind. 0 leaves a part out.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { told } from './load/client.mjs';
import { faults } from './load/faults.mjs';
import { speeds } from './load/speeds.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    embedder: { type: 'string' },
    clients: { type: 'string', default: '1,4,16,64' },
    seconds: { type: 'string', default: '20' },
    requests: { type: 'string', default: '10000' },
    overload: { type: 'string', default: '60' },
    kills: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
  },
});
const { model, embedder, threads } = values;
if (!model) throw new Error('Give --model, a language model with a chat template');
const [seconds, requests, overload, kills] = [values.seconds, values.requests, values.overload, values.kills].map(Number);
const clients = values.clients.split(',').map(Number);
for (const number of [seconds, requests, overload, kills, ...clients])
  if (!(Number(number) >= 0)) throw new Error('Numbers of clients, requests, seconds and kills are 0 or more');

told('machine', {
  cpu: cpus()[0]?.model.trim(),
  node: process.version,
  date: new Date().toISOString(),
  'load average': loadavg()[0],
  threads,
});
if (seconds) await speeds({ model, embedder, threads, clients, seconds });
const asked = { requests: Number(requests), overload: Number(overload), kills: Number(kills) };
if (Object.values(asked).some(Boolean) && !(await faults({ model, threads, ...asked }))) process.exitCode = 1;
