/** CamemBERT (Martin et al., arXiv 1911.03894): RoBERTa for French. */
import { likeRoberta } from './roberta.js';

export const camembert = /* @__PURE__ */ likeRoberta('camembert', 'Camembert');
