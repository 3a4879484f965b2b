/** Languages of translation models: the tokens of their tokenizers, and the place of a text's language token. */
import type { Around, ClassOptions } from './class.js';

/** Language codes: the first 25 are mBART's, all are mBART-50's. */
const mbartCodes = `
  ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK
  tr_TR vi_VN zh_CN af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN
  te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI`;

/** NLLB-200's; without a script it is Latin's. */
const nllbCodes = `
  ace_Arab ace acm_Arab acq_Arab aeb_Arab afr ajp_Arab aka amh_Ethi apc_Arab arb_Arab ars_Arab ary_Arab arz_Arab asm_Beng ast awa_Deva
  ayr azb_Arab azj bak_Cyrl bam ban bel_Cyrl bem ben_Beng bho_Deva bjn_Arab bjn bod_Tibt bos bug bul_Cyrl cat ceb ces cjk ckb_Arab crh
  cym dan deu dik dyu dzo_Tibt ell_Grek eng epo est eus ewe fao pes_Arab fij fin fon fra fur fuv gla gle glg grn guj_Gujr hat hau
  heb_Hebr hin_Deva hne_Deva hrv hun hye_Armn ibo ilo ind isl ita jav jpn_Jpan kab kac kam kan_Knda kas_Arab kas_Deva kat_Geor knc_Arab
  knc kaz_Cyrl kbp kea khm_Khmr kik kin kir_Cyrl kmb kon kor_Hang kmr lao_Laoo lvs lij lim lin lit lmo ltg ltz lua lug luo lus mag_Deva
  mai_Deva mal_Mlym mar_Deva min mkd_Cyrl plt mlt mni_Beng khk_Cyrl mos mri zsm mya_Mymr nld nno nob npi_Deva nso nus nya oci gaz
  ory_Orya pag pan_Guru pap pol por prs_Arab pbt_Arab quy ron run rus_Cyrl sag san_Deva sat_Beng scn shn_Mymr sin_Sinh slk slv smo sna
  snd_Arab som sot spa als srd srp_Cyrl ssw sun swe swh szl tam_Taml tat_Cyrl tel_Telu tgk_Cyrl tgl tha_Thai tir_Ethi taq taq_Tfng tpi
  tsn tso tuk tum tur twi tzm_Tfng uig_Arab ukr_Cyrl umb urd_Arab uzn vec vie war wol xho ydd_Hebr yor yue_Hant zho_Hans zho_Hant zul`;

const wordsOf = (list: string) => list.trim().split(/\s+/);

export const mbart = (): string[] => wordsOf(mbartCodes).slice(0, 25);
export const mbart50 = (): string[] => wordsOf(mbartCodes);
export const nllb = (): string[] => wordsOf(nllbCodes).map((code) => (code.includes('_') ? code : `${code}_Latn`));

/** A text has its language before it and the end token behind it, or both behind it. */
export const translates =
  (absent: string, place: (options: ClassOptions) => 'first' | 'last', spelling = (language: string): string => language) =>
  (options: ClassOptions): Around => {
    const language = spelling(options.string('src_lang', absent));
    return place(options) === 'first'
      ? { single: `${language} $A eos`, pair: `${language} $A $B eos` }
      : { single: `$A eos ${language}`, pair: `$A $B eos ${language}` };
  };
