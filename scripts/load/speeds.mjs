/** Speeds: tokens and texts a second by the number of clients, and times to the first token. */
import { answer, progress, start, textOf, told } from './client.mjs';

/** @param {number[]} numbers @param {number} share */
const quantile = (numbers, share) =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))] ?? Number.NaN;
/** @param {number[]} numbers */
const median = (numbers) => quantile(numbers, 0.5);
/** @param {number} n */
const round = (n) => Number(n.toPrecision(4));

/** Clients that ask, each again and again, until the time is over. @template T @param {number} seconds @param {number} count @param {(client: number, turn: number) => Promise<T>} ask */
async function loop(seconds, count, ask) {
  const begin = performance.now();
  /** @type {T[]} */
  const all = [];
  const one = async (/** @type {number} */ client) => {
    for (let turn = 0; performance.now() - begin < seconds * 1000; turn++) all.push(await ask(client, turn));
  };
  await Promise.all(Array.from({ length: count }, (_, client) => one(client)));
  return { all, elapsed: (performance.now() - begin) / 1000 };
}

/** Tokens a second of a prompt that is read alone, and has no beginning in common with another. @param {string} url @param {string} prompt */
async function readingOf(url, prompt) {
  const begin = performance.now();
  const response = await fetch(`${url}/v1/completions`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ model: 'chat', prompt, max_tokens: 1, temperature: 0 }),
  });
  const { usage } = await response.json();
  return (1000 * usage.prompt_tokens) / (performance.now() - begin);
}

/** @param {{ model: string, embedder: string | undefined, threads: string, clients: readonly number[], seconds: number }} options */
export async function speeds({ model, embedder, threads, clients, seconds }) {
  const models = [`chat=${model}`, ...(embedder ? [`embed=${embedder}`] : [])];
  const { url, stop } = await start(models, '--threads', threads, '--max-batch', '64');
  /** @type {number[]} */
  const reading = [];
  for (let i = 0; i < 7; i++) reading.push(await readingOf(url, `${i} ${textOf(110, 100 + i)}`));
  const read = median(reading);
  told('one prompt of about 128 tokens', { 'tokens/s': round(read) });
  for (const count of clients) {
    progress(`${count} clients`);
    const { all, elapsed } = await loop(seconds, count, (client, turn) =>
      answer(url, { content: textOf(20, client * 1000 + turn), max_tokens: 128 }),
    );
    const firsts = all.map(({ first }) => first);
    const rate = all.reduce((sum, { tokens }) => sum + tokens, 0) / elapsed;
    const numbers = { answers: all.length, 'tokens/s': round(rate), 'of reading': round(rate / read) };
    told(`${count} clients`, { ...numbers, 'first token, ms': round(median(firsts)), 'of nine in ten, ms': round(quantile(firsts, 0.9)) });
  }
  const short = (/** @type {number} */ i) => answer(url, { content: textOf(8, 300 + i), max_tokens: 1 });
  /** @type {number[]} */
  const alone = [];
  for (let i = 0; i < 7; i++) alone.push((await short(i)).first);
  /** @type {number[]} */
  const beside = [];
  for (let i = 0; i < 5; i++) {
    const long = answer(url, { content: textOf(1600, 500 + i), max_tokens: 1 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    beside.push((await short(10 + i)).first);
    await long;
  }
  const numbers = { 'alone, ms': round(median(alone)), 'beside, ms': round(median(beside)), ratio: round(median(beside) / median(alone)) };
  told('a short prompt beside one of 2,000 tokens', numbers);
  if (embedder)
    for (const [count, batch] of /** @type {const} */ ([
      [1, 1],
      [16, 1],
      [4, 32],
    ])) {
      const { all, elapsed } = await loop(seconds, count, async (client, turn) => {
        const input = Array.from({ length: batch }, (_, i) => textOf(16, client * 7919 + turn * 31 + i));
        const response = await fetch(`${url}/v1/embeddings`, {
          ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
          body: JSON.stringify({ model: 'embed', input, encoding_format: 'base64' }),
        });
        const { data } = await response.json();
        if (data?.length !== batch) throw new Error(`embeddings: status ${response.status}`);
      });
      told(`embeddings, ${count} clients with ${batch} texts each`, { 'texts/s': round((all.length * batch) / elapsed) });
    }
  await stop();
}
