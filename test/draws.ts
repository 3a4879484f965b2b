/** fast-check, whose draws are the same in every run, so that a change is judged by itself alone: HEED_SEED=n draws others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.HEED_SEED ?? 20170612) });

export { default } from 'fast-check';
