/** Stopping criteria: what ends a row, told from its tokens so far, of which the last is new. */
import { commonLength } from './common_length.js';
import type { Plan } from './plan.js';
import type { TextDecoder } from './streamer.js';

/** Whether a row ends with the last of its tokens. */
export type Criterion = (ids: readonly number[]) => boolean;

type Maker = (plan: Plan, tokenizer: TextDecoder | undefined) => Criterion | undefined;

const makers: Readonly<Record<string, Maker>> = {
  max_length:
    ({ max_length }) =>
    (ids) =>
      ids.length >= max_length,
  eos_token_id: ({ eos_token_id: ends }) => (ends.length ? (ids) => ends.includes(ids.at(-1) as number) : undefined),
  // As in transformers: where one of them ends within the last token, wherever it began, in the prompt as well.
  stop_strings: ({ stop_strings: strings }, tokenizer) => {
    if (!strings.length || !tokenizer) return undefined;
    const textOf = (ids: number[]) => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    // A token is a byte at least, but for those that are no text; some more stand before, whose first character may be half a one.
    const reach = 8 + strings.reduce((most, text) => Math.max(most, 3 * text.length), 0);
    return (ids) => {
      const last = ids.slice(-reach);
      return endsIn(strings, textOf(last), textOf(last.slice(0, -1)));
    };
  },
};

/** Whether one of the strings ends in what of a text was not there before. */
function endsIn(strings: readonly string[], text: string, before: string): boolean {
  const fresh = commonLength(text, before);
  return strings.some((string) => text.indexOf(string, Math.max(0, fresh - string.length + 1)) >= 0);
}

/** Whether any of what a plan and a call ask for ends a row. */
export function criterionOf(plan: Plan, tokenizer: TextDecoder | undefined, own: readonly Criterion[]): Criterion {
  const all = [...Object.values(makers).flatMap((make) => make(plan, tokenizer) ?? []), ...own];
  return (ids) => all.some((ends) => ends(ids));
}
