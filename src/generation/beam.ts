/**
 * Beam search as transformers 5 does it, comparison for comparison, since the output depends on which sequences are kept and when a search ends.
 * Scores are float32 as in transformers. Of equal scores the one that came first wins; PyTorch leaves that open.
 *
 * Each step continues an example's num_beams beams by every token and looks at the best few continuations: enough that num_beams of them
 * are left even if all others end. Continuations that have not ended are the next step's beams. Continuations that ended, if they are among the best
 * num_beams, compete with the finished sequences by  score / length ** length_penalty.
 * With do_sample the continuations are drawn without replacement, by the probability of the whole sequence.
 */
import { pow } from '../math.js';
import { Random } from '../random.js';
import type { Criterion } from './criteria.js';
import type { Plan } from './plan.js';
import type { Processor } from './processors.js';
import { drawWithoutReplacement } from './sampling.js';
import { type Beginning, type Found, noToken, type Row, type Sequence } from './sequence.js';
import { type Entry, TopK } from './top_k.js';

/** Number in place of −∞ in comparisons, with which sums and differences are finite. */
const NEVER = -1e9;

interface Hypothesis {
  ids: readonly number[];
  score: number;
  finished: boolean;
  /** The beam, of all prompts' beams, that each new token went on from. */
  beams: readonly number[];
}

type Beam = Hypothesis & Row;

/** The search of one prompt, `plan.num_beams` rows. */
export class BeamSearch implements Sequence {
  rows: readonly Row[];
  readonly processors: readonly Processor[];
  readonly own: readonly Processor[];
  readonly #ends: Criterion;
  ended = false;
  readonly #plan: Plan;
  readonly #index: number;
  /** Number of tokens in the prompt. */
  readonly #prompt: number;
  /** Beams, best first. */
  #beams: readonly Beam[];
  #best: readonly Hypothesis[];
  #improvable = true;
  readonly #random: Random;

  constructor({ plan, prompt, processors, own, ends, index }: Beginning) {
    const { num_beams, sampling } = plan;
    [this.#plan, this.#index, this.#prompt, this.#ends] = [plan, index, prompt.length, ends];
    [this.processors, this.own] = [processors, own];
    const empty = { ids: prompt, score: NEVER, finished: false, beams: [], from: 0 };
    // Only the first beam counts in the first step, or all beams would choose the same tokens.
    this.#beams = Array.from({ length: num_beams }, (_, i) => (i ? empty : { ...empty, score: 0 }));
    this.#best = this.#beams.map(() => empty);
    this.#random = new Random(sampling?.seed ?? 0, 'generate', index);
    // The prompt is read once for all beams.
    this.rows = this.#beams.slice(0, 1);
  }

  get found(): readonly Found[] {
    return this.#best.slice(0, this.#plan.num_return_sequences);
  }

  /** Advances the beams by one token; `scores` are log-probabilities. */
  step(scores: readonly Float32Array[], keepsAll: boolean): void {
    this.#advance(scores);
    this.rows = this.ended && !keepsAll ? [] : this.#beams;
  }

  #advance(scores: readonly Float32Array[]): void {
    const { num_beams, length_penalty, early_stopping } = this.#plan;
    const candidates = this.#candidates(scores);
    const running = candidates.map((candidate) => ({ ...candidate, score: add(candidate.score, candidate.finished ? NEVER : 0) }));
    // Beams after the end are recorded for the output of scores, and change no result.
    if (this.ended && candidates.length) this.#beams = bestOf(running, num_beams);
    if (this.ended) return;
    // A best score of −∞ means that every continuation is forbidden; finished sequences stay.
    this.ended = candidates[0]?.score === Number.NEGATIVE_INFINITY;
    if (this.ended && this.#best.some(({ finished }) => finished)) return;
    if (this.ended || !candidates.length) throw noToken();
    const length = (candidates[0] as Beam).beams.length;
    const full = early_stopping === true && this.#best.every(({ finished }) => finished);
    const divisor = pow(length, length_penalty);
    const ended = candidates.map((candidate, i): Hypothesis => {
      const finished = candidate.finished && i < num_beams;
      let score = Math.fround(candidate.score / divisor);
      if (full) score = add(score, NEVER);
      if (!this.#improvable) score = add(score, NEVER);
      if (!finished) score = add(score, NEVER);
      return { ids: candidate.ids, score, finished, beams: candidate.beams };
    });
    this.#best = bestOf([...this.#best, ...ended], num_beams);
    this.#beams = bestOf(running, num_beams);
    this.#improvable &&= this.#canImprove(length);
    this.ended =
      !this.#improvable ||
      (early_stopping === true && this.#best.every(({ finished }) => finished)) ||
      candidates.every(({ finished }) => finished);
  }

  /** The continuations of all beams that are looked at, best first; `finished` where one ends. */
  #candidates(scores: readonly Float32Array[]): Beam[] {
    const { num_beams, eos_token_id } = this.#plan;
    const fromOf = (beam: number) => Math.min(beam, scores.length - 1);
    const of = this.#beams.map((_, beam) => scores[fromOf(beam)] as Float32Array);
    const V = (of[0] as Float32Array).length;
    return this.#chosen(of, Math.min(Math.max(2, 1 + eos_token_id.length) * num_beams, num_beams * V)).map(({ value: score, key }) => {
      const token = key % V;
      const beam = Math.floor(key / V);
      const { ids, beams } = this.#beams[beam] as Beam;
      const longer = [...ids, token];
      const path = [...beams, this.#index * num_beams + beam];
      return { ids: longer, score, finished: this.#ends(longer), beams: path, from: fromOf(beam) };
    });
  }

  /** The k continuations that are best, or are drawn. */
  #chosen(scores: readonly Float32Array[], k: number): readonly Entry[] {
    const base = this.#beams.map(({ score }) => score);
    if (this.#plan.sampling) return drawWithoutReplacement(scores, base, k, this.#random);
    const top = new TopK(k);
    for (const [i, row] of scores.entries()) top.add(row, base[i], i * row.length);
    return top.best();
  }

  /** `true` while the best beam may still beat the worst finished sequence, at the length most favourable to the beam. */
  #canImprove(length: number): boolean {
    const { length_penalty, early_stopping, max_length } = this.#plan;
    const flattering = early_stopping === 'never' && length_penalty > 0 ? max_length - this.#prompt : length;
    const possible = Math.fround((this.#beams[0] as Beam).score / pow(flattering, length_penalty));
    const worst = Math.min(...this.#best.map(({ score }) => score));
    return this.#best.some(({ finished }) => possible > (finished ? worst : NEVER));
  }
}

const add = (a: number, b: number) => Math.fround(a + b);

const bestOf = <T extends { score: number }>(list: readonly T[], k: number): T[] => [...list].sort((a, b) => b.score - a.score).slice(0, k);
