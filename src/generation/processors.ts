/**
 * Logits processors: small functions that change the scores of a row's next token, in place, given the row's tokens so far. The table's order is
 * the order of application, that of transformers. With beams scores are log-probabilities, else logits.
 */
import type { Plan } from './plan.js';

/** Changes scores [V] in place, given the row's tokens. */
export type Processor = (scores: Float32Array, ids: readonly number[]) => void;

/** Makes a processor for the sequences of one source; undefined where the plan does not need it. */
type Maker = (plan: Plan, source: readonly number[]) => Processor | undefined;

function forbid(scores: Float32Array, tokens: Iterable<number>): void {
  for (const token of tokens) scores[token] = Number.NEGATIVE_INFINITY;
}

/** Allows only these tokens next. */
function force(scores: Float32Array, tokens: readonly number[]): void {
  scores.fill(Number.NEGATIVE_INFINITY);
  for (const token of tokens) scores[token] = 0;
}

/** Tokens that follow `ids`' last n − 1 tokens wherever these occur in `text`. */
function* followers(text: readonly number[], ids: readonly number[], n: number): Generator<number> {
  const from = ids.length + 1 - n;
  if (from < 0) return;
  for (let i = 0; i + n <= text.length; i++) {
    let same = 0;
    while (same < n - 1 && text[i + same] === ids[from + same]) same++;
    if (same === n - 1) yield text[i + n - 1] as number;
  }
}

/** Index in a row of the first token that the model chooses: a forced first token is not chosen. */
export const beginningOf = ({ prompt, forced_bos_token_id }: Plan): number =>
  prompt > 1 || forced_bos_token_id === undefined ? prompt : prompt + 1;

const makers: Readonly<Record<string, Maker>> = {
  logit_bias: ({ logit_bias: biases }) =>
    biases.length
      ? (scores) => {
          for (const [id, bias] of biases) scores[id] = (scores[id] as number) + bias;
        }
      : undefined,
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
  // Penalties as in OpenAI's API: they count generated tokens, and no tokens of the prompt.
  presence_and_frequency_penalty: ({ presence_penalty: once, frequency_penalty: each, prompt }) =>
    once || each
      ? (scores, ids) => {
          const counts = new Map<number, number>();
          for (const id of ids.slice(prompt)) counts.set(id, (counts.get(id) ?? 0) + 1);
          for (const [id, count] of counts) if (id < scores.length) scores[id] = (scores[id] as number) - once - count * each;
        }
      : undefined,
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
  begin_suppress_tokens: (plan) => {
    const { begin_suppress_tokens: tokens } = plan;
    const begin = beginningOf(plan);
    if (!tokens.length) return undefined;
    return (scores, ids) => {
      if (ids.length === begin) forbid(scores, tokens);
    };
  },
};

/** Processors that a plan asks for, in order, for the sequences of one source, whose tokens are `source`, without padding. */
export const processorsOf = (plan: Plan, source: readonly number[]): Processor[] =>
  Object.values(makers)
    .map((make) => make(plan, source))
    .filter((processor) => processor !== undefined);
