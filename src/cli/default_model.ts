/** The translator that heed ships: in a clone beside the sources, else a package of its own, which not everybody installs. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HeedError } from '../errors.js';

const PACKAGE = 'heed-translator-en-zh';

/** Its folder. Throws NOT_FOUND, and says how to get it. */
export function defaultTranslator(): string {
  const own = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const beside = join(own, 'models', 'translator-en-zh');
  if (existsSync(join(beside, 'config.json'))) return beside;
  // Beside the command, or, where npx keeps that elsewhere, in the project that it is run in.
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json'))]) {
    try {
      return dirname(createRequire(from).resolve(`${PACKAGE}/config.json`));
    } catch {}
  }
  throw new HeedError('NOT_FOUND', `The translator is a package of its own, ${PACKAGE}, which is not installed`, {
    culprit: '--model',
    cure: `npm install ${PACKAGE}, or once: npx -p heed -p ${PACKAGE} heed translate "Hello."; or name a model's folder with --model`,
  });
}
