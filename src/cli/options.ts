/** Options that several commands take, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander';

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('It must be a whole number above 0.');
  return value;
}

export function realNumber(text: string): number {
  const value = Number(text);
  if (!/^[\d.]+(e-?\d+)?$/i.test(text) || !(value >= 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('It must be a number from 0.');
  return value;
}

export function numberFrom0(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new InvalidArgumentError('It must be a whole number from 0.');
  return Number(text);
}

export const threadsOption = () => new Option('--threads <n>', 'threads (default: the cores, at most 8)').argParser(wholeNumber);
export const deterministicOption = () => new Option('--deterministic', 'the same bits on every machine and runtime; a little slower');
export const maxTokensOption = () =>
  new Option('--max-tokens <n>', "cut texts after n tokens (default: the model's own limit)").argParser(wholeNumber);

/** The engine's options among a command's. */
export interface EngineFlags {
  threads?: number;
  deterministic?: boolean;
}
