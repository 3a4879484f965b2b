#!/usr/bin/env node
/**
 * The command. Each subcommand is a file beside this one; here are only what they share: parsing, exit codes, errors.
 * Exit codes: 0 done, 1 failed (a HeedError is printed with its code), 2 wrong usage, 130 interrupted.
 */
import { Command, CommanderError } from 'commander';
import { HeedError } from '../errors.js';
import { attendCommand } from './attend.js';
import { embedCommand } from './embed.js';
import { evaluateCommand } from './evaluate.js';
import { infoCommand } from './info.js';
import { trainCommand } from './train.js';
import { translateCommand } from './translate.js';
import { version } from './version.js';

const program = new Command('heed')
  .description('Transformers in any JavaScript runtime')
  .version(version)
  .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.')
  .addCommand(translateCommand)
  .addCommand(embedCommand)
  .addCommand(attendCommand)
  .addCommand(trainCommand)
  .addCommand(evaluateCommand)
  .addCommand(infoCommand);
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
  command.exitOverride().showHelpAfterError('(add --help for examples)');

process.once('SIGINT', () => process.exit(130));
// Whoever reads our output may stop early: `heed embed | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`heed: standard output: ${error.message}\n`);
  process.exit(1);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof HeedError) {
    process.stderr.write(`heed: ${error.message} [${error.code}]\n`);
    process.exitCode = error.code === 'ARGUMENT' ? 2 : 1;
  } else throw error;
}
