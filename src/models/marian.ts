/** Marian (Junczys-Dowmunt et al., arXiv 1804.00344) as Hugging Face has it, the opus-mt translators: BART's layers, with sinusoidal positions and no norm behind the embeddings. */
import { defineArchitecture } from './architecture.js';
import { bartChoices, bartDims, bartNames } from './bart.js';

export const marian = defineArchitecture({
  name: 'marian',
  kind: 'encoder-decoder',
  dims: bartDims,
  block: (c) => ({ ...bartChoices(c), positions: { kind: 'sinusoidal', layout: 'halves' } }),
  ...bartNames,
  // Older checkpoints hold the sinusoids.
  ignored: [...bartNames.ignored, /^(encoder|decoder)\.embed_positions\.weight$/],
});
