/** Stopping criteria: functions that end a row, given its tokens so far, the last of which is new. */
import { commonLength } from './common_length.js';
import type { Plan } from './plan.js';
import type { TextDecoder } from './streamer.js';

/** Returns `true` where a row ends with the last of its tokens. */
export type Criterion = (ids: readonly number[]) => boolean;

type Maker = (plan: Plan, tokenizer: TextDecoder | undefined) => Criterion | undefined;

const makers: Readonly<Record<string, Maker>> = {
  max_length:
    ({ max_length }) =>
    (ids) =>
      ids.length >= max_length,
  eos_token_id: ({ eos_token_id: ends }) => (ends.length ? (ids) => ends.includes(ids.at(-1) as number) : undefined),
  // Stop strings as in transformers: a row ends where a string ends within the last token, wherever the string began, even in the prompt.
  stop_strings: ({ stop_strings: strings }, tokenizer) => {
    if (!strings.length || !tokenizer) return undefined;
    const textOf = (ids: number[]) => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    // A token is at least a byte, apart from tokens without text; a few more are decoded in front, since the first character may be incomplete.
    const reach = 8 + strings.reduce((most, text) => Math.max(most, 3 * text.length), 0);
    return (ids) => {
      const last = ids.slice(-reach);
      return endsIn(strings, textOf(last), textOf(last.slice(0, -1)));
    };
  },
};

/** `true` where one of the strings ends in the part of `text` that is not in `before`. */
function endsIn(strings: readonly string[], text: string, before: string): boolean {
  const fresh = commonLength(text, before);
  return strings.some((string) => text.indexOf(string, Math.max(0, fresh - string.length + 1)) >= 0);
}

/** Criterion that ends a row where any criterion of the plan or of the call does. */
export function criterionOf(plan: Plan, tokenizer: TextDecoder | undefined, own: readonly Criterion[]): Criterion {
  const all = [...Object.values(makers).flatMap((make) => make(plan, tokenizer) ?? []), ...own];
  return (ids) => all.some((ends) => ends(ids));
}
