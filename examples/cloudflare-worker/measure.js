/**
 * What the built Worker takes in workerd: `node measure.js [RUNS]` starts it anew for each run, as cold as its files in the system's cache let it be, and prints the
 * medians as JSON, times in milliseconds (cpu: the processor's, for the first answer), memory in MB of 10^6 bytes: the process's resident memory (Linux), and how much more
 * it is than before the model came.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const runs = Number(process.argv[2] ?? 5);
const workerd =
  process.env.HEED_WORKERD ?? `node_modules/@cloudflare/workerd-linux-${process.arch === 'arm64' ? 'arm64' : '64'}/bin/workerd`;
const long = { texts: Array(32).fill('forty words or so make a text of this length, '.repeat(40)) };

/** @param {number | undefined} pid @param {'VmRSS' | 'VmHWM'} what */
const memory = (pid, what) =>
  (Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6;

/** Milliseconds that all threads have had a processor. @param {number | undefined} pid */
const cpu = (pid) =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    0,
  );

async function run() {
  const began = performance.now();
  const child = spawn(workerd, ['serve', 'config.capnp', '--socket-addr=http=127.0.0.1:0', '--control-fd=3'], {
    stdio: ['ignore', 'inherit', 'ignore', 'pipe'],
  });
  const since = (/** @type {number} */ start) => performance.now() - start;
  try {
    const [told] = await /** @type {any} */ (child.stdio[3]).take(1).toArray();
    const url = `http://127.0.0.1:${JSON.parse(String(told).split('\n')[0] ?? '').port}/`;
    const ask = async (/** @type {string} */ query, /** @type {RequestInit} */ options = {}) => {
      const start = performance.now();
      const response = await fetch(url + query, options);
      await response.text();
      if (!response.ok && query !== 'nothing') throw new Error(`${response.status}`);
      return since(start);
    };
    await ask('nothing'); // connects, starts the isolate
    const started = since(began);
    const idle = memory(child.pid, 'VmRSS');
    const before = cpu(child.pid);
    const load = await ask('?text=a+cat');
    const spent = cpu(child.pid) - before;
    const first = since(began);
    const loaded = memory(child.pid, 'VmHWM');
    for (let i = 0; i < 20; i++) await ask('?text=a+cat');
    const warm = await ask('?text=a+cat');
    const batch = await ask('', { method: 'POST', body: JSON.stringify(long) });
    const most = memory(child.pid, 'VmHWM');
    return { started, load, cpu: spent, first, warm, batch, idle, loaded, most, above: most - idle };
  } finally {
    child.kill();
  }
}

/** @type {Awaited<ReturnType<typeof run>>[]} */
const all = [];
for (let i = 0; i < runs; i++) all.push(await run());
const median = (/** @type {number[]} */ values) => Number((values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN).toFixed(1));
const keys = /** @type {(keyof (typeof all)[number])[]} */ (Object.keys(all[0] ?? {}));
console.log(JSON.stringify(Object.fromEntries(keys.map((key) => [key, median(all.map((each) => each[key]))]))));
