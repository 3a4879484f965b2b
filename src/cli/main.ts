#!/usr/bin/env node
/** The command's entry point: arguments, interruptions, and exit. */
import { failed } from './failures.js';
import { watchOutput } from './output.js';
import { program } from './program.js';

watchOutput();
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failed(error);
}
