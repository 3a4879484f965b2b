/**
 * Blocks that are no programs: commands are such as their programs can read, JSON is JSON. What is in a language that nothing here can check is listed with
 * the reason. (JavaScript and TypeScript: types.test.ts.)
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command as Subcommand } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../dist/cli/program.js';
import { type Block, blocks, root } from './pages.js';
import { isProgram } from './program.js';
import { type Command, commandsOf, programsOf } from './shell.js';

const shells = ['sh', 'console'];
/** Languages that are not checked, and why. */
const unchecked: Readonly<Record<string, string>> = {
  text: 'what a program prints, a formula, a listing of files: no language at all',
  python: 'the tests need no Python; it is what PyTorch users have on their side of a file',
};

const all = (program as Subcommand).commands;
for (const command of [...all, ...all.flatMap(({ commands }) => commands)])
  command.action(() => {}).configureOutput({ writeErr: () => {}, writeOut: () => {} });

/** `heed`: every option and argument is one that the command has, its value one that it takes. */
const heed = (words: readonly string[]) => (program as Subcommand).parseAsync(words, { from: 'user' });

/** A page's package.json: that of its folder, or of the one above. */
function scriptsOf(page: string): Readonly<Record<string, string>> {
  const path = [dirname(page), '.'].map((folder) => join(root, folder, 'package.json')).find(existsSync) as string;
  return JSON.parse(readFileSync(path, 'utf8')).scripts ?? {};
}

/** What stands behind `npm run bench --`: a command of the bench, and options of its own. */
function bench([name, ...words]: readonly string[]) {
  const source = readFileSync(join(root, 'bench/index.ts'), 'utf8');
  expect(source).toMatch(new RegExp(`^  ${name}: {`, 'm'));
  for (const word of words.filter((word) => word.startsWith('--')))
    expect(source).toMatch(new RegExp(`^      '?${word.slice(2)}'?: { type`, 'm'));
}

function npm([verb = '', ...words]: readonly string[], page: string) {
  if (['ci', 'install', 'pack', 'pkg', 'publish', 'trust', 'version'].includes(verb)) return;
  const name = verb === 'run' ? words[0] : verb;
  expect(Object.keys(scriptsOf(page))).toContain(name);
  if (name === 'bench') bench(words.slice(2));
}

/** How the command lines of a program are checked. */
const programs: Readonly<Record<string, (words: readonly string[], page: string) => unknown>> = {
  heed,
  npm,
  // The packages that bring a program are named before it.
  npx: (words, page) => check(words.slice(2 * words.filter((word) => word === '-p').length), page),
  vitest: ([verb, ...words]) => {
    expect(verb).toBe('run');
    for (const word of words.filter((word) => word.includes('/'))) expect(existsSync(join(root, word))).toBe(true);
  },
  // Files of ours, and options that the last of them has.
  node: (words) => {
    const sources = words.filter((word) => /\.(mjs|ts)$/.test(word)).map((file) => readFileSync(join(root, file), 'utf8'));
    expect(sources.length).toBeGreaterThan(0);
    for (const word of words.filter((word) => word.startsWith('--'))) expect(sources.at(-1)).toMatch(new RegExp(`\\b${word.slice(2)}: {`));
  },
};

/** Programs that are not ours, and are not checked. */
const foreign = ['curl', 'echo', 'git', 'head', 'wrangler'];

async function check([first = '', ...rest]: readonly string[], page: string): Promise<unknown> {
  if (/^\w+=/.test(first)) return check(rest, page); // a variable of the command's own
  if (foreign.includes(first)) return undefined;
  expect(Object.keys(programs)).toContain(first);
  return programs[first]?.(rest, page);
}

const is =
  (languages: readonly string[]) =>
  ({ language }: Block) =>
    languages.includes(language);
const commands: readonly Command[] = blocks.filter(is(shells)).flatMap(commandsOf);

describe('blocks', () => {
  it('are in languages that are checked, or listed with the reason', () => {
    const others = blocks.filter((block) => !isProgram(block) && !is([...shells, 'json', ...Object.keys(unchecked)])(block));
    expect(others.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
  });

  it.each(blocks.filter(is(['json'])))('of JSON are JSON: $page, line $line', ({ code }) => {
    expect(() => JSON.parse(code)).not.toThrow();
  });

  it.each(commands)('of a shell have commands that can be read: $page: $text', async ({ words, page }) => {
    await check(words, page);
  });
});

describe('a command that cannot be read', () => {
  it.each([
    'heed embed a --modle x',
    'npx heed train translation --data x',
    'heed embde',
    'npm run biuld',
    'node scripts/no.mjs',
    'node scripts/run.mjs examples/fine-tuning.ts --modle x',
    'npm run bench -- peers --speed 2',
    'npx vitest run test/no',
    'FOO=1 transformers',
  ])('%s', async (line) => {
    for (const words of programsOf(line)) await expect(check(words, 'README.md')).rejects.toThrow();
  });
});

it('command lines are cut into words as a shell cuts them', () => {
  expect(programsOf('A=1 heed ask "Who wrote it?" --context a.txt < in > out && echo \'x y\'z | head -n 1 # not this')).toEqual([
    ['A=1', 'heed', 'ask', 'Who wrote it?', '--context', 'a.txt'],
    ['echo', 'x yz'],
    ['head', '-n', '1'],
  ]);
});
