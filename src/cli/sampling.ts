/** How long a language model writes and whether it draws, as options of a command. */
import type { Command } from 'commander';
import { HeedError } from '../errors.js';
import type { GenerationConfig } from '../generation/config.js';
import { numberIn, wholeNumber } from './options.js';

export interface SamplingFlags {
  maxNewTokens: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
}

const positive = (text: string) => numberIn(text, (value) => (value > 0 ? undefined : 'It must be a number above 0.'));
const share = (text: string) => numberIn(text, (value) => (value > 0 && value <= 1 ? undefined : 'It must be above 0, and at most 1.'));
const seedOf = (text: string) => numberIn(text, (value) => (Number.isSafeInteger(value) ? undefined : 'It must be a whole number.'));

export const withSampling = (command: Command, tokens: number): Command =>
  command
    .option('--max-new-tokens <n>', 'tokens to write at most', wholeNumber, tokens)
    .option('--temperature <t>', 'draw, from scores divided by it; without this, --top-p or --top-k the likeliest token is taken', positive)
    .option('--top-p <p>', 'draw among the likeliest tokens, which together have this probability', share)
    .option('--top-k <n>', 'draw among so many likeliest tokens', wholeNumber)
    .option('--seed <n>', 'decides on what is drawn (default: another one each time)', seedOf);

/** What they ask for. Throws ARGUMENT for a seed without draws. */
export function samplingOf({ maxNewTokens: max_new_tokens, temperature, topP: top_p, topK: top_k, seed }: SamplingFlags): GenerationConfig {
  if (temperature !== undefined || top_p !== undefined || top_k !== undefined)
    return { max_new_tokens, do_sample: true, temperature, top_p, top_k, seed };
  if (seed === undefined) return { max_new_tokens, do_sample: false };
  throw new HeedError('ARGUMENT', '--seed would have no effect', { culprit: '--seed', cure: 'Give --temperature, --top-p or --top-k' });
}
