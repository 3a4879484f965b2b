/** Metrics: measures of how good a model is. */
export { type BleuOptions, type BleuScore, bleu } from './bleu.js';
export { type ChrfOptions, type ChrfScore, chrf } from './chrf.js';
export type { BleuTokenizer } from './tokenize.js';
export { perplexity, tokenAccuracy } from './tokens.js';
