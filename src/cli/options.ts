/** Options that several commands share, and the parsing of their values. */
import { InvalidArgumentError, Option } from 'commander';
import { type Tasks, taskOf } from '../pipelines/tasks.js';

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
/** `what` a model must be. Where a `task` has one of its own, it may be left out. */
export function modelOption(what: string, task?: keyof Tasks): Option {
  const own = task && taskOf(task).model?.replace(/@.*/, '');
  const option = new Option('--model <model>', `${what}: its folder, URL, or name on Hugging Face's hub${own ? ` (default: ${own})` : ''}`);
  return own ? option : option.makeOptionMandatory();
}

/** Names between commas. */
export const listOption = (flags: string, what: string) =>
  new Option(flags, what).argParser((text: string): string[] => {
    const names = text.split(',').map((name) => name.trim());
    if (names.every(Boolean)) return names;
    throw new InvalidArgumentError('They must be names with commas between them.');
  });
export const jsonOption = (what: string) => new Option('--json', what);
export const topKOption = (what: string, most = 5) => new Option('--top-k <n>', what).argParser(wholeNumber).default(most);
export const maxTokensOption = () =>
  new Option('--max-tokens <n>', "cut texts after n tokens (default: the model's own limit)").argParser(wholeNumber);

/** The engine's options among a command's. */
export interface EngineFlags {
  threads?: number;
  deterministic?: boolean;
}

/** Values of an option that may be given several times. */
export const several = (text: string, before: string[] = []): string[] => [...before, text];
