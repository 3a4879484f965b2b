/** Tokenizer classes of transformers that heed knows, apart from those of sentence encoders. */
import { bpeClasses } from './bpe.js';
import { letterClasses } from './letters.js';
import type { TokenizerTable } from './names.js';
import { unigramClasses } from './unigram.js';
import { wordPieceClasses } from './wordpiece.js';

/** The table, made by a call, so that bundles which do not use it leave it out. */
const table = (): TokenizerTable => ({
  classes: { ...wordPieceClasses(), ...bpeClasses(), ...unigramClasses(), ...letterClasses() },
  asTheFile:
    'arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr ernie4_5 ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode gradium_phonon_tts granite granitemoe granitemoehybrid granitemoeshared h2ovl_chat hyperclovax hyperclovax_vlm internlm2 internlm3 iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava llava_next mimo_v2_flash minicpm3 minicpm_ocr minicpmv minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 mistral_large4 mixtral modernbert modernbert-decoder molmo molmo2 nemo_speechlm nemotron nvfp4 nystromformer olmo2 olmo3 olmo_hybrid omniasr opencua openvla paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe pix2struct pixtral pocket_tts smolvlm stablelm step3_vl umt5 vipllava voxtral voxtral_realtime xlm-roberta-xl',
});

/** Tokenizer classes of transformers apart from those of sentence encoders, for `registerTokenizers`. */
export const moreTokenizers: TokenizerTable = /* @__PURE__ */ table();
