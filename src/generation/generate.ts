/** The search that a plan asks for: greedy or by drawing with one beam, beam search with more. */
import { beamSearch } from './beam.js';
import { greedySearch } from './greedy.js';
import type { Decoding, Found, Job } from './search.js';

/** The sequences of every prompt, `plan.num_return_sequences` each, in order. Its tensors are freed by whoever drives it: engine.run. */
export const search = (decoding: Decoding, job: Job): Generator<void, Found[]> =>
  (job.plan.num_beams > 1 ? beamSearch : greedySearch)(decoding, job);
