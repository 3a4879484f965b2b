/** What workerd runs, as a test of its own: the kernels are modules, and files come from the site by fetch. */
import * as heed from 'heed';
import program from 'program';
import { report, type WebInput } from './web.js';

declare const INPUT: WebInput & { site: string; memory: number };

export default {
  async test(): Promise<void> {
    const env = { ...INPUT, page: false, locate: (path: string) => new URL(`/${path}`, INPUT.site).href };
    await report(INPUT, () => program(heed, env, INPUT.args));
  },
};
