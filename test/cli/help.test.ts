/** Help fits the terminal that it is read on. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../dist/cli/program.js';
import { width, wrapped } from '../../dist/cli/terminal.js';
import { hasTerminal, onTerminal } from './command.js';

const below = (command: Command): Command[] => [command, ...command.commands.flatMap(below)];

/** What a terminal of so many columns shows. */
function helpOf(command: Command, columns: number): string[] {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => columns });
  command.outputHelp();
  return wrapped(text, columns).split('\n');
}

/** Examples are commands, whose words stay whole: they may be as wide as the widest of those. */
const isWord = (line: string) => /^ {6}\S+( \\)?$/.test(line) || /^ {6}"[^"]*"( \\)?$/.test(line);

describe.each([40, 60, 80, 120])('in %i columns', (columns) => {
  it.each(below(program as Command).map((command) => ({ name: command.name(), command })))('the help of $name', ({ command }) => {
    const lines = helpOf(command, columns);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => width(line) > columns && !isWord(line))).toEqual([]);
  });
});

it.skipIf(!hasTerminal)('on a terminal of 60 columns no line of `heed embed --help` is longer', async () => {
  const { stdout } = await onTerminal(['embed', '--help'], { columns: 60 });
  const lines = stdout.split('\n');
  expect(stdout).toContain('sentence-transformers/');
  expect(lines.filter((line) => width(line) > 60)).toEqual([]);
});
