/**
 * Serves the page in which a Transformer learns to read dates.
 *
 *   node scripts/run.mjs examples/train-dates/serve.ts [--port N]
 */
import { parseArgs } from 'node:util';
import { openSite } from '../shared/site.js';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
const { url } = await openSite(import.meta.dirname, Number(values.port));
console.log(`Open ${url} in a browser.`);
