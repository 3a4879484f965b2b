/** What the Node processes of the suite run. */
import { fileURLToPath } from 'node:url';
import * as heed from 'heed';
import { suite } from './suite.js';

const results = await suite(heed, {
  runtime: `Node ${process.versions.node}`,
  threads: true,
  relaxed: Number.parseInt(process.versions.node, 10) >= 22,
  locate: (path) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url)),
});
console.log(JSON.stringify(results));
