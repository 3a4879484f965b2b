/**
 * Logits processors: small functions that change the scores of a row's next token, in place, knowing the row's tokens so far. The table's order is
 * the order in which they are applied, transformers'. On beams scores are log-probabilities, else logits.
 */
import type { Plan } from './plan.js';

/** scores [V], the row's tokens. */
export type Processor = (scores: Float32Array, ids: readonly number[]) => void;

/** Makes a processor for the sequences of one source; undefined where the plan does not ask for it. */
type Maker = (plan: Plan, source: readonly number[]) => Processor | undefined;

function forbid(scores: Float32Array, tokens: Iterable<number>): void {
  for (const token of tokens) scores[token] = Number.NEGATIVE_INFINITY;
}

/** Whatever came before, one of these comes now. */
function force(scores: Float32Array, tokens: readonly number[]): void {
  scores.fill(Number.NEGATIVE_INFINITY);
  for (const token of tokens) scores[token] = 0;
}

/** What follows `ids`' last n − 1 tokens wherever they are in `text`. */
function* followers(text: readonly number[], ids: readonly number[], n: number): Generator<number> {
  const from = ids.length + 1 - n;
  if (from < 0) return;
  for (let i = 0; i + n <= text.length; i++) {
    let same = 0;
    while (same < n - 1 && text[i + same] === ids[from + same]) same++;
    if (same === n - 1) yield text[i + n - 1] as number;
  }
}

const makers: Readonly<Record<string, Maker>> = {
  repetition_penalty: ({ repetition_penalty }) => {
    const penalty = Math.fround(repetition_penalty);
    if (penalty === 1) return undefined;
    return (scores, ids) => {
      for (const id of new Set(ids)) {
        const score = scores[id] as number;
        if (id < scores.length) scores[id] = score < 0 ? score * penalty : score / penalty;
      }
    };
  },
  no_repeat_ngram_size: ({ no_repeat_ngram_size: n }) => (n ? (scores, ids) => forbid(scores, followers(ids, ids, n)) : undefined),
  encoder_no_repeat_ngram_size: ({ encoder_no_repeat_ngram_size: n }, source) =>
    n ? (scores, ids) => forbid(scores, followers(source, ids, n)) : undefined,
  bad_words_ids: ({ bad_words_ids: words }) => {
    if (!words.length) return undefined;
    return (scores, ids) => {
      for (const word of words) {
        const before = word.length - 1;
        if (before > ids.length) continue;
        const at = ids.length - before;
        if (word.every((token, i) => i === before || token === ids[at + i])) forbid(scores, word.slice(before));
      }
    };
  },
  min_length: ({ min_length, eos_token_id }) =>
    min_length && eos_token_id.length
      ? (scores, ids) => {
          if (ids.length < min_length) forbid(scores, eos_token_id);
        }
      : undefined,
  forced_bos_token_id: ({ forced_bos_token_id: bos }) =>
    bos === undefined
      ? undefined
      : (scores, ids) => {
          if (ids.length === 1) force(scores, [bos]);
        },
  forced_eos_token_id: ({ forced_eos_token_id: eos, max_length }) =>
    eos.length
      ? (scores, ids) => {
          if (ids.length === max_length - 1) force(scores, eos);
        }
      : undefined,
  suppress_tokens: ({ suppress_tokens }) => (suppress_tokens.length ? (scores) => forbid(scores, suppress_tokens) : undefined),
  begin_suppress_tokens: ({ begin_suppress_tokens, prompt, forced_bos_token_id }) => {
    // A forced first token is no choice: the text begins behind it.
    const begin = prompt > 1 || forced_bos_token_id === undefined ? prompt : prompt + 1;
    if (!begin_suppress_tokens.length) return undefined;
    return (scores, ids) => {
      if (ids.length === begin) forbid(scores, begin_suppress_tokens);
    };
  },
};

/** All that a plan asks for, in order, for the sequences of one source, whose tokens are `source`, without padding. */
export const processorsOf = (plan: Plan, source: readonly number[]): Processor[] =>
  Object.values(makers)
    .map((make) => make(plan, source))
    .filter((processor) => processor !== undefined);
