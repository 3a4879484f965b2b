/** The pages that people read, and what stands in them: blocks of code, links, headings. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block of a page, one of a list's item without its indent. */
export interface Block {
  readonly page: string;
  /** Where its first line of code stands, counted from 1. */
  readonly line: number;
  /** What its fence says: js, console, … */
  readonly language: string;
  readonly code: string;
}

export const textOf = (page: string): string => readFileSync(root + page, 'utf8');

/** What git is asked for. */
const places = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs', 'examples', 'models'];

/** Paths of pages. CHANGELOG.md is none: its blocks tell how things were. */
export const pages: readonly string[] = execFileSync('git', ['ls-files', ...places], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path.endsWith('.md'));

export function blocksOf(page: string, text = textOf(page)): Block[] {
  return [...text.matchAll(/^( *)```(.*)\n([\s\S]*?)^\1```$/gm)].map(({ 1: indent = '', 2: language = '', 3: code = '', index }) => ({
    ...{ page, language, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') },
    line: text.slice(0, index).split('\n').length + 1,
  }));
}

export const blocks: readonly Block[] = pages.flatMap((page) => blocksOf(page));

/** A page without what stands in blocks and between backticks. */
export const proseOf = (page: string): string =>
  textOf(page)
    .replace(/^( *)```[\s\S]*?^\1```$/gm, '')
    .replace(/`[^`\n]*`/g, '');
