/** The pages that people read, and what stands in them: blocks of code, links, headings. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** Where its first line of code stands, counted from 1. */
  readonly line: number;
  /** What its fence says: js, console, … */
  readonly language: string;
  readonly code: string;
}

export const textOf = (page: string): string => readFileSync(root + page, 'utf8');

/** Paths of pages. CHANGELOG.md is none: its blocks tell how things were. */
export const pages: readonly string[] = execFileSync('git', ['ls-files', 'README.md', 'docs', 'examples', 'models'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path.endsWith('.md'));

export function blocksOf(page: string, text = textOf(page)): Block[] {
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: code = '', index }) => ({
    ...{ page, language, code },
    line: text.slice(0, index).split('\n').length + 1,
  }));
}

export const blocks: readonly Block[] = pages.flatMap((page) => blocksOf(page));

/** A page without what stands in blocks and between backticks. */
export const proseOf = (page: string): string =>
  textOf(page)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '');
