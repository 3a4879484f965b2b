/** The commands of shell blocks, word by word: as much of a shell's grammar as pages use. */
import type { Block } from './pages.js';

/** A program and its arguments, what it reads and what it writes elsewhere. */
export interface Command {
  readonly page: string;
  /** As it stands on the page. */
  readonly text: string;
  readonly words: readonly string[];
  /** What a session on a page shows beneath. */
  readonly printed: string;
}

/** The command lines of a block, and what stands beneath each: in a session a line with `$ ` is a command, else every line is. */
function linesOf({ language, code }: Block): { text: string; printed: string }[] {
  const joined = code.replaceAll('\\\n', ' ');
  if (language !== 'console') return joined.split('\n').map((text) => ({ text, printed: '' }));
  return joined
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [text = '', ...printed] = part.split('\n');
      return { text, printed: printed.join('\n') };
    });
}

//                 a comment   operators            quoted, in part or as a whole, or bare
const token = /\s*(?:(#.*)|(&&|\|\||[|;]|[<>]\s*\S+)|((?:"[^"]*"|'[^']*'|[^\s"'|;&<>])+))/gy;

/** Words of a command line, in a list for each program in it. */
export function programsOf(line: string): string[][] {
  const programs: string[][] = [[]];
  for (const [, comment, operator, word] of line.trim().matchAll(token)) {
    if (comment !== undefined) break;
    if (operator === undefined) programs.at(-1)?.push((word as string).replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
    else if (!/^[<>]/.test(operator)) programs.push([]);
  }
  return programs.filter(({ length }) => length > 0);
}

export const commandsOf = (block: Block): Command[] =>
  linesOf(block).flatMap(({ text, printed }) => programsOf(text).map((words) => ({ page: block.page, text, words, printed })));
