/** data2vec's text model (Baevski et al., arXiv 2202.03555): RoBERTa with another training objective. */
import { likeRoberta } from './roberta.js';

/** The model_type 'data2vec-text', for `registerArchitecture`: an encoder. */
export const data2vecText = /* @__PURE__ */ likeRoberta('data2vec-text', 'Data2VecText', 'data2vec_text.');
