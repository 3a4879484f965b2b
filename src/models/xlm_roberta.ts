/** XLM-R (Conneau et al., arXiv 1911.02116): RoBERTa for a hundred languages. */
import { likeRoberta } from './roberta.js';

export const xlmRoberta = /* @__PURE__ */ likeRoberta('xlm-roberta', 'XLMRoberta');
