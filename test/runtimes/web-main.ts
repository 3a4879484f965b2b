/** What a page of the suite runs; the page's runner reads `results`. */
import * as heed from 'heed';
import { type Result, suite } from './suite.js';

declare global {
  var results: Promise<Result[]> | undefined;
}

globalThis.results = suite(heed, {
  runtime: navigator.userAgent,
  threads: globalThis.crossOriginIsolated,
  relaxed: true,
  locate: (path) => new URL(`/fixtures/${path}`, location.href).href,
});
