/**
 * Faults: many more requests than places, clients that hang up, and threads that are killed, in deterministic mode, where each answer must be the one that was computed alone. What is refused with
 * 429 is asked again after Retry-After.
 */
import { answer, gauges, progress, Refused, sleep, start, textOf, told } from './client.mjs';

const PLACES = 16;
/** With as many that wait, what the server has room for. */
const QUEUE = 16;
/**
 * Bytes that may be there beside what was there after the first requests. The engine's memory has the texts that were read last, and of those of clients that left it is chance which: a share
 * of what there was.
 */
const SLACK = { heed_memory_used_bytes: 4e6, heap: 8e6, process_resident_memory_bytes: 160e6 };
const SHARE = 0.25;
/** Attempts to hit a thread while it works. */
const ATTEMPTS = 20;

const kinds = Array.from({ length: 24 }, (_, i) => ({
  content: textOf(4 + 3 * i, i),
  max_tokens: 2 + (i % 7) * 3,
  ...(i % 3 === 0 && { temperature: 1, seed: i }),
}));

/** @typedef {import('./client.mjs').Served} Served */

/**
 * Memory of an idle server, by the names of its metrics: the least of a few looks, since what a collection finalizes a later one frees.
 * @param {Served} served @returns {Promise<Record<keyof typeof SLACK, number>>}
 */
async function memoryOf({ url, tell }) {
  const most = Number.POSITIVE_INFINITY;
  let least = { heed_memory_used_bytes: most, heap: most, process_resident_memory_bytes: most };
  for (let look = 0; look < 4; look++) {
    await sleep(500);
    const heap = await tell('collect');
    const { heed_memory_used_bytes = 0, process_resident_memory_bytes = 0 } = await gauges(url);
    least = {
      heed_memory_used_bytes: Math.min(least.heed_memory_used_bytes, heed_memory_used_bytes),
      heap: Math.min(least.heap, heap),
      process_resident_memory_bytes: Math.min(least.process_resident_memory_bytes, process_resident_memory_bytes),
    };
  }
  return least;
}

/** @param {Record<string, number>} memory */
const inMegabytes = (memory) => Object.fromEntries(Object.entries(memory).map(([name, bytes]) => [`${name}, MB`, Math.round(bytes / 1e6)]));

/**
 * Clients that ask as long as `goes` says. @param {Served} served @param {readonly string[]} alone answers, as computed alone
 * @param {{ clients: number, goes(number: number): boolean, survives?: boolean }} options `survives`: 503 is an answer, too, since threads are killed
 */
async function ask({ url }, alone, { clients, goes, survives = false }) {
  const counts = { asked: 0, answered: 0, 'hung up': 0, 'refused and asked again': 0, 'ended with 503': 0, lost: 0, mixed: 0 };
  let shown = performance.now();
  const client = async () => {
    for (let number = counts.asked; goes(number); number = counts.asked) {
      counts.asked++;
      if (performance.now() > shown + 10_000) {
        shown = performance.now();
        progress(JSON.stringify(counts));
      }
      const kind = /** @type {(typeof kinds)[0]} */ (kinds[number % kinds.length]);
      const leaves = number % 11 === 5;
      for (let isOver = false; !isOver; )
        try {
          const { text } = await answer(url, { ...kind, ...(leaves && { signal: AbortSignal.timeout(20 + (number % 7) * 30) }) });
          counts.answered++;
          if (text !== alone[number % kinds.length]) counts.mixed++;
          isOver = true;
        } catch (error) {
          const [status, retryAfter] = error instanceof Refused ? [error.status, error.retryAfter] : [0, 0];
          isOver = status !== 429 || !retryAfter;
          if (!isOver) {
            counts['refused and asked again']++;
            await sleep(1000 * retryAfter * (0.5 + Math.random()));
          } else if (leaves && !status) counts['hung up']++;
          else if (survives && status === 503) counts['ended with 503']++;
          else {
            counts.lost++;
            progress(`lost: ${error}`);
          }
        }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return counts;
}

/** Kills threads under load until requests have ended by it. @param {Served} served @param {readonly string[]} alone */
async function kill(served, alone) {
  let [killed, failed] = [0, 0];
  for (; killed < ATTEMPTS && !failed; ) {
    let isOver = false;
    const asked = ask(served, alone, { clients: PLACES, goes: () => !isOver, survives: true });
    await sleep(300);
    killed += await served.tell('kill');
    await sleep(1000);
    isOver = true;
    const counts = await asked;
    failed += counts['ended with 503'];
    if (counts.lost + counts.mixed) return { killed, failed, wrong: counts.lost + counts.mixed };
  }
  // The next answers come from a new engine.
  let wrong = 0;
  for (const [i, kind] of kinds.entries()) if ((await answer(served.url, kind)).text !== alone[i]) wrong++;
  return { killed, failed, wrong };
}

/** Whether all went well. @param {{ model: string, threads: string, requests: number, overload: number, kills: number }} options `overload` in seconds */
export async function faults({ model, threads, requests, overload, kills }) {
  const options = ['--threads', threads, '--deterministic', '--max-batch', String(PLACES), '--max-queue', String(QUEUE)];
  const served = await start([`chat=${model}`], ...options);
  /** @type {string[]} */
  const alone = [];
  for (const kind of kinds) alone.push((await answer(served.url, kind)).text);
  let failures = 0;
  /** @param {Record<string, number>} before @param {number} engines that may not yet be collected */
  const grown = async (before, engines = 0) => {
    const { heed_memory_size_bytes = 0 } = await gauges(served.url);
    const after = await memoryOf(served);
    for (const [name, slack] of Object.entries(SLACK)) {
      const was = /** @type {number} */ (before[name]);
      const bytes = after[/** @type {keyof typeof SLACK} */ (name)] - was;
      if (bytes <= Math.max(slack, SHARE * was) + (name === 'process_resident_memory_bytes' ? engines * heed_memory_size_bytes : 0))
        continue;
      failures++;
      progress(`${name} has grown by ${bytes}`);
    }
    return after;
  };
  const fits = PLACES + QUEUE;
  if (requests) {
    const warm = Math.max(4 * kinds.length, requests / 10);
    failures += wrongOf(await ask(served, alone, { clients: fits, goes: (number) => number < warm }));
    const before = await memoryOf(served);
    const counts = await ask(served, alone, { clients: fits, goes: (number) => number < requests });
    failures += wrongOf(counts);
    const after = await grown(before);
    told(`${requests} requests of ${fits} clients`, { ...counts, before: inMegabytes(before), after: inMegabytes(after) });
  }
  if (overload) {
    const end = performance.now() + 1000 * overload;
    const counts = await ask(served, alone, { clients: 4 * fits, goes: () => performance.now() < end });
    failures += wrongOf(counts);
    told(`${4 * fits} clients for ${PLACES} places and ${QUEUE} that wait, ${overload} s`, counts);
  }
  if (kills) {
    const before = await memoryOf(served);
    let all = { killed: 0, failed: 0, wrong: 0 };
    for (let i = 0; i < kills; i++) {
      const { killed, failed, wrong } = await kill(served, alone);
      all = { killed: all.killed + killed, failed: all.failed + failed, wrong: all.wrong + wrong };
      if (!failed) failures++;
    }
    failures += all.wrong;
    const after = await grown(before, 2);
    const numbers = { 'threads killed': all.killed, 'requests ended with 503': all.failed, 'wrong afterwards': all.wrong };
    told('threads killed at work', { ...numbers, before: inMegabytes(before), after: inMegabytes(after) });
  }
  const { heed_places_taken, heed_requests_waiting } = await gauges(served.url);
  if (heed_places_taken || heed_requests_waiting) {
    failures++;
    progress(`places taken ${heed_places_taken}, requests waiting ${heed_requests_waiting} of nobody`);
  }
  await served.stop();
  return failures === 0;
}

/** @param {{ lost: number, mixed: number }} counts */
const wrongOf = ({ lost, mixed }) => lost + mixed;
