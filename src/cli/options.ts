/** Options that several commands take, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

/** A number that `wrongWith` finds nothing wrong with. */
export function numberIn(text: string, wrongWith: (value: number) => string | undefined): number {
  const value = /^[\d.]+(e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const wrong = wrongWith(value);
  if (wrong) throw new InvalidArgumentError(wrong);
  return value;
}

export const threadsOption = () => new Option('--threads <n>', 'threads (default: the cores, at most 8)').argParser(wholeNumber);
export const deterministicOption = () => new Option('--deterministic', 'the same bits on every machine and runtime; a little slower');
/** `what` a model must be. */
export const modelOption = (what: string) => new Option('--model <model>', `${what}: its folder or URL`).makeOptionMandatory();
export const jsonOption = (what: string) => new Option('--json', what);
export const topKOption = (what: string, most = 5) => new Option('--top-k <n>', what).argParser(wholeNumber).default(most);
export const maxTokensOption = () =>
  new Option('--max-tokens <n>', "cut texts after n tokens (default: the model's own limit)").argParser(wholeNumber);

/** The engine's options among a command's. */
export interface EngineFlags {
  threads?: number;
  deterministic?: boolean;
}
