/** XLM-R (Conneau et al., arXiv 1911.02116): RoBERTa for a hundred languages. */
import { likeRoberta } from './roberta.js';

/** XLM-RoBERTa's model_type 'xlm-roberta', for `registerArchitecture`: an encoder, multilingual. */
export const xlmRoberta = /* @__PURE__ */ likeRoberta('xlm-roberta', 'XLMRoberta');
