/** What a page runs, a site's or an extension's: it reports to where it came from, or to the site that it is told. */
import * as heed from 'heed';
import program from 'program';
import { beginner, report, type WebInput } from './web.js';

declare const INPUT: WebInput;

const begin = beginner(INPUT);
await report(INPUT, () => program(heed, { ...INPUT, page: true, memory: undefined, begin, locate: locator(INPUT) }, INPUT.args));

/** An extension brings the fixtures along; what is large it gets from the site. */
function locator({ site }: WebInput) {
  const large = site ?? location.href;
  return (path: string) => new URL(`/${path}`, path.startsWith('fixtures/') ? location.href : large).href;
}
