/** The translator that heed ships: in a clone beside the sources, else in a package of its own, which need not be installed. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeedError } from '../errors.js';

const PACKAGE = 'heed-translator-en-zh';

/** Folder of the translator. Throws NOT_FOUND, and says how to get it. */
export function defaultTranslator(): string {
  const own = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));
  const beside = join(own, 'models', 'translator-en-zh');
  if (existsSync(join(beside, 'config.json'))) return beside;
  try {
    return dirname(fileURLToPath(import.meta.resolve(`${PACKAGE}/config.json`)));
  } catch (cause) {
    throw new HeedError('NOT_FOUND', `The translator ${PACKAGE} is a package of its own, and not here`, {
      culprit: '--model',
      cure: `npm install ${PACKAGE}, or for once npx -p heed -p ${PACKAGE} heed translate "Hello."; or name a model's folder with --model`,
      cause,
    });
  }
}
