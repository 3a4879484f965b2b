/** Dates that were held back, each with what the model makes of it. */
import { select } from 'd3-selection';
import type { Answer } from './protocol.js';

/** A line for each; characters that are not what they should be are marked, and a click asks for the date. */
export function showAnswers(table: HTMLTableElement, answers: readonly Answer[], ask: (text: string) => void): void {
  const rows = select(table)
    .selectAll<HTMLTableRowElement, Answer>('tr')
    .data(answers)
    .join((enter) => {
      const row = enter.append('tr');
      const button = row.append('td').append('button').attr('type', 'button');
      button.on('click', (_, answer) => ask(answer.text)).text((answer) => answer.text);
      row.append('td');
      return row;
    });
  rows
    .select('td:last-child')
    .selectAll('span')
    .data(({ said, iso }) => Array.from(said, (character, i) => ({ character, right: character === iso[i] })))
    .join('span')
    .text(({ character }) => character)
    .classed('wrong', ({ right }) => !right);
}
