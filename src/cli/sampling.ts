/** Generation options of commands: a row for each flag, with the option of generation that it sets. */
import { type Command, Option } from 'commander';
import { HeedError } from '../errors.js';
import type { GenerationConfig } from '../generation/config.js';
import { numberIn, wholeNumber } from './options.js';

/** Values of the flags, under commander's names. */
export type SamplingFlags = { maxNewTokens: number };

const positive = (text: string) => numberIn(text, (value) => (value > 0 ? undefined : 'It must be a number above 0.'));
const share = (text: string) => numberIn(text, (value) => (value > 0 && value <= 1 ? undefined : 'It must be above 0, and at most 1.'));
const seedOf = (text: string) => numberIn(text, (value) => (Number.isSafeInteger(value) ? undefined : 'It must be a whole number.'));
const either = (text: string) => numberIn(text, (value) => (value >= 0 ? undefined : 'It must be a number from 0 on.'));
const several = (text: string, before: string[] = []) => [...before, text];

/** Options that ask for draws. */
const drawing = [
  [
    'temperature',
    '--temperature <t>',
    'draw, from scores divided by it; without this and what follows the likeliest token is taken',
    positive,
  ],
  ['top_p', '--top-p <p>', 'draw among the likeliest tokens, which together have this probability', share],
  ['top_k', '--top-k <n>', 'draw among so many likeliest tokens', wholeNumber],
  ['min_p', '--min-p <p>', 'draw among tokens with at least this share of the probability of the likeliest one', share],
  ['typical_p', '--typical-p <p>', 'draw among tokens as surprising as is to be expected, which together have this probability', share],
] as const;
const others = [
  ['seed', '--seed <n>', 'decides on what is drawn (default: another one each time)', seedOf],
  [
    'repetition_penalty',
    '--repetition-penalty <p>',
    'above 1: tokens that are there already, in the prompt as well, become less likely',
    positive,
  ],
  ['presence_penalty', '--presence-penalty <p>', 'what tokens that were written already lose of their scores', either],
  ['frequency_penalty', '--frequency-penalty <p>', 'the same, as often as they were written', either],
  [
    'prompt_lookup_num_tokens',
    '--prompt-lookup <n>',
    'guess up to so many tokens at once by what stands there already; the text stays the same',
    wholeNumber,
  ],
  ['stop_strings', '--stop <text>', 'end where this text comes, which is not printed; may be given several times', several],
] as const;

const options = (rows: typeof drawing | typeof others) =>
  rows.map(([sets, flag, does, parse]) => ({ sets, option: new Option(flag, does).argParser(parse as (text: string) => unknown) }));
const [ofDraws, ofOthers] = [options(drawing), options(others)];

/** The command with all of them; without --max-new-tokens it writes so many tokens at most. */
export function withSampling(command: Command, tokens: number): Command {
  command.option('--max-new-tokens <n>', 'tokens to write at most', wholeNumber, tokens);
  for (const { option } of [...ofDraws, ...ofOthers]) command.addOption(option);
  return command;
}

/** Generation options from flags. Throws ARGUMENT for a seed without sampling. */
export function samplingOf(flags: SamplingFlags): GenerationConfig {
  const given: Readonly<Record<string, unknown>> = { ...flags };
  const said = (rows: typeof ofDraws) =>
    rows.flatMap(({ sets, option }) => {
      const value = given[option.attributeName()];
      return value === undefined ? [] : [[sets, value] as const];
    });
  const [draws, rest] = [said(ofDraws), said(ofOthers)];
  if (!draws.length && rest.some(([sets]) => sets === 'seed'))
    throw new HeedError('ARGUMENT', '--seed would have no effect', {
      culprit: '--seed',
      cure: 'Give --temperature, or another that draws',
    });
  return { max_new_tokens: flags.maxNewTokens, do_sample: draws.length > 0, ...Object.fromEntries([...draws, ...rest]) };
}
