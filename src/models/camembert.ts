/** CamemBERT (Martin et al., arXiv 1911.03894): RoBERTa for French. */
import { likeRoberta } from './roberta.js';

/** CamemBERT's model_type 'camembert', for `registerArchitecture`: an encoder. */
export const camembert = /* @__PURE__ */ likeRoberta('camembert', 'Camembert');
