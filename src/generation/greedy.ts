/**
 * Greedy search and sampling: in every row the next token is the most probable one, or is drawn. Rows that have ended are left out of the steps that
 * follow, which changes no bit of the others, unless every step's scores are kept: then they go on with padding, as in transformers.
 */
import { Random } from '../random.js';
import { draw } from './sampling.js';
import { type Decoding, type Found, type Job, keepsAll, noToken, processorsIn, type Row, withScores } from './search.js';
import { argMax } from './top_k.js';

interface Growing extends Row {
  ids: number[];
  random: Random;
  /** How many of them count, once it has ended. */
  length?: number;
}

/** `plan.num_return_sequences` sequences for every prompt, in order, each as long as it got. Yields where the decoder does. */
export function* greedySearch(decoding: Decoding, job: Job): Generator<void, Found[]> {
  const { plan, streamer } = job;
  const { prompts, num_return_sequences: n, sampling, max_length, eos_token_id, pad_token_id } = plan;
  const processors = processorsIn(job);
  const grow = (row: number): Growing => {
    const example = Math.floor(row / n);
    const own = processors[example] ?? [];
    return { ids: [...(prompts[example] ?? [])], processors: own, random: new Random(sampling?.seed ?? 0, 'generate', row) };
  };
  const all = Array.from({ length: prompts.length * n }, (_, row) => grow(row));
  const pick = (scores: Float32Array, { random, length }: Growing): number => {
    if (length !== undefined) return pad_token_id;
    const token = sampling ? draw(scores, random) : argMax(scores);
    if (token < 0) throw noToken();
    return token;
  };
  streamer?.put(prompts.map((ids) => [...ids]));
  // The prompt is read once for all sequences that begin with it.
  let live = all.filter((_, row) => row % n === 0);
  let tokens = live.map(({ ids }) => ids);
  for (let each = n; live.length; each = 1) {
    const logits = yield* decoding.step(Int32Array.from(tokens.flat()), live.length);
    const next = each > 1 ? all : live;
    const parents = next.map((_, row) => Math.floor(row / each));
    withScores(job, logits, live, { asLogs: false, each }, (scores) => {
      for (const [row, growing] of next.entries()) growing.ids.push(pick(scores[parents[row] as number] as Float32Array, growing));
    });
    streamer?.put(next.map(({ ids }) => ids.slice(-1)));
    for (const growing of next)
      if (growing.ids.length >= max_length || eos_token_id.includes(growing.ids.at(-1) as number)) growing.length ??= growing.ids.length;
    const stays = next.map(({ length }) => length === undefined);
    if (keepsAll(job) && stays.includes(true)) stays.fill(true);
    live = next.filter((_, row) => stays[row]);
    if (live.length && (each > 1 || live.length < next.length)) decoding.reorder(parents.filter((_, row) => stays[row]));
    tokens = live.map(({ ids }) => ids.slice(-1));
  }
  streamer?.end();
  return all.map(({ ids, length }) => ({ ids: ids.slice(0, length) }));
}
