/** The tiny models of test/fixtures/pipelines, and what Hugging Face's pipelines answer with them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

type Kind = 'classify' | 'ner' | 'qa' | 'mlm' | 'roberta_ner' | 'roberta_qa' | 'roberta_mlm';
type Options = Record<string, unknown>;

export const tiny = (kind: Kind): string => fileURLToPath(new URL(`../fixtures/pipelines/${kind}`, import.meta.url));

interface Expected {
  tokens: { text: string; ids: number[] }[];
  ner: { model?: Kind; text: string; options: Options; entities: { score: number; start: number }[] }[];
  classify: { text: string | { text: string; text_pair: string }; options: Options; scores: { label: string; score: number }[] }[];
  zero_shot: { text: string; labels: string[]; options: Options; answer: { sequence: string; labels: string[]; scores: number[] } }[];
  fill_mask: { model?: Kind; text: string; options: Options; filled: unknown }[];
  qa: { model?: Kind; question: string; context: string; options: Options; answers: { score: number }[] }[];
}

export const expected: Expected = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/pipelines/expected.json', import.meta.url)), 'utf8'),
);

/** The cases of some models, or, without their names, of the BERTs. */
export const casesOf = <Case extends { model?: Kind }>(cases: readonly Case[], ...models: Kind[]): Case[] =>
  cases.filter(({ model }) => (model ? models.includes(model) : models.length === 0));

/** Every number at these names may be off a little; all else is as it is. */
export function near(value: unknown, names: readonly string[] = ['score', 'scores']): unknown {
  if (Array.isArray(value)) return value.map((item) => near(item, names));
  if (typeof value !== 'object' || value === null) return value;
  const close = (item: unknown): unknown => (Array.isArray(item) ? item.map(close) : expect.closeTo(item as number, 4));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, names.includes(name) ? close(item) : near(item, names)]));
}
