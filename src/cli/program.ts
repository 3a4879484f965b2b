/**
 * The command line. Each subcommand is a file beside this one; this file has their shared parts: names, help, errors of invalid command lines.
 * Exit codes: 0 done, 1 failed (one line says what, with a HeedError's code), 2 a command line that cannot be read, 130 interrupted.
 */
import { Command } from 'commander';
import { askCommand } from './ask.js';
import { attendCommand } from './attend.js';
import { chatCommand } from './chat.js';
import { classifyCommand } from './classify.js';
import { detectCommand } from './detect.js';
import { embedCommand } from './embed.js';
import { evaluateCommand } from './evaluate.js';
import { fillCommand } from './fill.js';
import { generateCommand } from './generate.js';
import { infoCommand } from './info.js';
import { pageCommand } from './page.js';
import { quantizeCommand } from './quantize.js';
import { seeCommand } from './see.js';
import { serveCommand } from './serve.js';
import { fitted } from './terminal.js';
import { trainCommand } from './train.js';
import { transcribeCommand } from './transcribe.js';
import { translateCommand } from './translate.js';
import { upscaleCommand } from './upscale.js';
import { version } from './version.js';

export const program = new Command('heed')
  .description('Transformers in any JavaScript runtime')
  .version(version)
  .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. HEED_DEBUG=1 adds a stack to what failed.')
  .addCommand(translateCommand)
  .addCommand(embedCommand)
  .addCommand(generateCommand)
  .addCommand(chatCommand)
  .addCommand(classifyCommand)
  .addCommand(askCommand)
  .addCommand(fillCommand)
  .addCommand(seeCommand)
  .addCommand(detectCommand)
  .addCommand(upscaleCommand)
  .addCommand(transcribeCommand)
  .addCommand(serveCommand)
  .addCommand(pageCommand)
  .addCommand(attendCommand)
  .addCommand(trainCommand)
  .addCommand(evaluateCommand)
  .addCommand(quantizeCommand)
  .addCommand(infoCommand);
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
  command
    .exitOverride()
    .showHelpAfterError('(add --help for examples)')
    .configureOutput({ writeOut: (text) => process.stdout.write(fitted(text)) });
