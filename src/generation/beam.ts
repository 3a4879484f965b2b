/**
 * Beam search as transformers 5 does it, comparison for comparison, since which sequences are kept, and when a search ends, decides what comes out.
 * Scores are float32 as there. Of equal scores the one that came first wins; PyTorch leaves that open.
 *
 * Every step an example's beams, num_beams of them, are continued by every token, and the best few continuations looked at, enough that num_beams
 * of them go on even if all others end. Those that go on are the next step's beams. Those that ended, if they are among the best num_beams, compete with
 * what ended before by  score / length ** length_penalty.
 * With do_sample the continuations that are looked at are drawn, by the probability of all that a sequence has so far, none of them twice.
 */
import { pow } from '../math.js';
import { Random } from '../random.js';
import type { Plan } from './plan.js';
import { drawWithoutReplacement } from './sampling.js';
import { type Decoding, type Found, type Job, keepsAll, noToken, processorsIn, type Row, withScores } from './search.js';
import { type Entry, TopK } from './top_k.js';

/** Stands for −∞ in comparisons, and can be added and taken for a number. */
const NEVER = -1e9;

interface Hypothesis {
  ids: readonly number[];
  score: number;
  finished: boolean;
  /** The beam, of all prompts' beams, that each new token went on from. */
  beams: readonly number[];
}

interface Beam extends Hypothesis {
  /** The decoder's row that it continues. */
  row: number;
}

/** The search of one example. */
class Search {
  /** Best first. */
  beams: readonly Beam[];
  best: readonly Hypothesis[];
  done = false;
  #improvable = true;
  readonly #random: Random;

  constructor(
    readonly plan: Plan,
    readonly example: number,
    readonly processors: Row['processors'],
  ) {
    const { num_beams, sampling } = plan;
    const empty = { ids: this.#prompt, score: NEVER, finished: false, beams: [], row: 0 };
    // Only the first beam counts at first, or all would go the same way.
    this.beams = Array.from({ length: num_beams }, (_, i) => (i ? empty : { ...empty, score: 0 }));
    this.best = this.beams.map(() => empty);
    this.#random = new Random(sampling?.seed ?? 0, 'generate', example);
  }

  get #prompt(): readonly number[] {
    return this.plan.prompts[this.example] as readonly number[];
  }

  /** One more token. `rows`: the decoder's row of each beam; `scores`: the log-probabilities that each of the decoder's rows gives to every token. */
  step(rows: readonly number[], scores: readonly Float32Array[]): void {
    const { num_beams, length_penalty, early_stopping } = this.plan;
    const candidates = this.#candidates(rows, scores);
    const running = candidates.map((candidate) => ({ ...candidate, score: add(candidate.score, candidate.finished ? NEVER : 0) }));
    // What follows the end is told, and changes nothing.
    if (this.done && candidates.length) this.beams = bestOf(running, num_beams);
    if (this.done) return;
    // Whatever goes on is forbidden; what has ended stays.
    this.done = candidates[0]?.score === Number.NEGATIVE_INFINITY;
    if (this.done && this.best.some(({ finished }) => finished)) return;
    if (this.done || !candidates.length) throw noToken();
    const length = (candidates[0] as Beam).beams.length;
    const full = early_stopping === true && this.best.every(({ finished }) => finished);
    const divisor = pow(length, length_penalty);
    const ended = candidates.map((candidate, i): Hypothesis => {
      const finished = candidate.finished && i < num_beams;
      let score = Math.fround(candidate.score / divisor);
      if (full) score = add(score, NEVER);
      if (!this.#improvable) score = add(score, NEVER);
      if (!finished) score = add(score, NEVER);
      return { ids: candidate.ids, score, finished, beams: candidate.beams };
    });
    this.best = bestOf([...this.best, ...ended], num_beams);
    this.beams = bestOf(running, num_beams);
    this.#improvable &&= this.#canImprove(length);
    this.done =
      !this.#improvable ||
      (early_stopping === true && this.best.every(({ finished }) => finished)) ||
      candidates.every(({ finished }) => finished);
  }

  /** The continuations of all beams that are looked at, best first; `finished` where one ends. */
  #candidates(rows: readonly number[], scores: readonly Float32Array[]): Beam[] {
    const { num_beams, eos_token_id, max_length } = this.plan;
    const of = rows.map((row) => scores[row] as Float32Array);
    const V = (of[0] as Float32Array).length;
    return this.#chosen(of, Math.min(Math.max(2, 1 + eos_token_id.length) * num_beams, num_beams * V)).map(({ value: score, key }) => {
      const token = key % V;
      const beam = Math.floor(key / V);
      const { ids, beams } = this.beams[beam] as Beam;
      const finished = eos_token_id.includes(token) || ids.length + 1 >= max_length;
      const path = [...beams, this.example * num_beams + beam];
      return { ids: [...ids, token], score, finished, beams: path, row: rows[beam] as number };
    });
  }

  /** The k continuations that are best, or are drawn. */
  #chosen(scores: readonly Float32Array[], k: number): readonly Entry[] {
    const base = this.beams.map(({ score }) => score);
    if (this.plan.sampling) return drawWithoutReplacement(scores, base, k, this.#random);
    const top = new TopK(k);
    for (const [i, row] of scores.entries()) top.add(row, base[i], i * row.length);
    return top.best();
  }

  /** Whether the best beam may yet beat the worst finished sequence, at the length that flatters it. */
  #canImprove(length: number): boolean {
    const { length_penalty, early_stopping, max_length } = this.plan;
    const flattering = early_stopping === 'never' && length_penalty > 0 ? max_length - this.#prompt.length : length;
    const possible = Math.fround((this.beams[0] as Beam).score / pow(flattering, length_penalty));
    const worst = Math.min(...this.best.map(({ score }) => score));
    return this.best.some(({ finished }) => possible > (finished ? worst : NEVER));
  }
}

const add = (a: number, b: number) => Math.fround(a + b);

const bestOf = <T extends { score: number }>(list: readonly T[], k: number): T[] => [...list].sort((a, b) => b.score - a.score).slice(0, k);

/** The best `plan.num_return_sequences` sequences for every prompt, best first. Yields where the decoder does. */
export function* beamSearch(decoding: Decoding, job: Job): Generator<void, Found[]> {
  const { plan } = job;
  const processors = processorsIn(job);
  const all = plan.prompts.map((_, i) => new Search(plan, i, processors[i] ?? []));
  let live = all;
  // The prompt is read once for all beams of an example.
  let each = 1;
  let tokens = plan.prompts.flat();
  while (live.length) {
    const rows = live.flatMap(({ beams, processors }) => beams.slice(0, each).map(({ ids }) => ({ ids, processors })));
    const logits = yield* decoding.step(Int32Array.from(tokens), rows.length);
    withScores(job, logits, rows, { asLogs: true, each: plan.num_beams / each }, (scores) => {
      for (const [i, search] of live.entries()) {
        const own = search.beams.map((_, beam) => i * each + (beam % each));
        search.step(own, scores);
      }
    });
    live = keepsAll(job) && live.some(({ done }) => !done) ? live : live.filter(({ done }) => !done);
    const beams = live.flatMap((search) => search.beams);
    if (beams.length) decoding.reorder(beams.map(({ row }) => row));
    tokens = beams.map(({ ids }) => ids.at(-1) as number);
    each = plan.num_beams;
  }
  return all.flatMap(({ best }) => best.slice(0, plan.num_return_sequences));
}
