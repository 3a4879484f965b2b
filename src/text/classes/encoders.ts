/** Tokenizer classes of most sentence encoders, BERT's, MPNet's, RoBERTa's and XLM-R's, and the parts that other classes share with them. */
import type { JsonObject } from '../../io/json.js';
import type { Around, ClassOptions, Parts, TokenizerClass } from './class.js';

export const bertRoles = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' };

/** Template of BERT: cls A sep B sep, the second text in a segment of its own. */
export const bertAround = (): Around => ({ single: 'cls $A sep', pair: 'cls $A sep $B:1 sep:1' });

export const bertWords = (normalizer: object) => ({
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, ...normalizer },
  pre_tokenizer: { type: 'BertPreTokenizer' },
});

export const wordPiece = (options: ClassOptions, more: object = {}, prefix = '##'): Parts => ({
  ...bertWords({
    handle_chinese_chars: options.flag('tokenize_chinese_chars', true),
    strip_accents: options.get('strip_accents') ?? null,
    lowercase: options.flag('do_lower_case', true),
    ...more,
  }),
  decoder: { type: 'WordPiece', prefix, cleanup: true },
  model: { type: 'WordPiece', unk_token: options.token('unk'), continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
});

export const bert: TokenizerClass = {
  models:
    'align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git grounding-dino layoutlm lxmert megatron-bert mm-grounding-dino mobilebert nomic_bert squeezebert tvp vilt visual_bert',
  aliases: 'DistilBert Electra LayoutLM Lxmert MobileBert SqueezeBert',
  roles: bertRoles,
  parts: (options) => wordPiece(options),
  around: bertAround,
};

/** cls A sep sep B sep, all in one segment. */
export const robertaAround = { single: 'cls $A sep', pair: 'cls $A sep sep $B sep' };

export const bosRoles = { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '</s>', pad: '<pad>', cls: '<s>' };
export const maskRoles = { ...bosRoles, mask: '<mask>' };

export const sequence = (key: string, steps: readonly JsonObject[]) => ({ type: 'Sequence', [key]: steps });
export const replacing = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
export const spacesToOne = (content = ' ') => replacing({ Regex: ' {2,}' }, content);
export const marking = (prepend_scheme: string, split = true) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme, split });
export const normalizing = (...steps: readonly (JsonObject | undefined)[]) =>
  sequence(
    'normalizers',
    steps.filter((step) => step !== undefined),
  );
export const cutting = (...steps: readonly JsonObject[]) => sequence('pretokenizers', steps);
export const decoding = (...steps: readonly JsonObject[]) => sequence('decoders', steps);

/** Bytes in GPT-2's alphabet, cut by its pattern unless something before it cuts. */
export const byteLevel = (add_prefix_space: boolean, more: object = {}) => ({
  type: 'ByteLevel',
  add_prefix_space,
  trim_offsets: true,
  ...more,
});
export const bytes = (options: ClassOptions, more: Partial<Parts> = {}, prefix = false): Parts => ({
  pre_tokenizer: byteLevel(options.flag('add_prefix_space', prefix)),
  decoder: byteLevel(false),
  model: { type: 'BPE' },
  ...more,
});

export const model = (unk_id: number) => ({ type: 'Unigram', unk_id, byte_fallback: false });

export const schemeOf = (options: ClassOptions, never = 'never') => (options.flag('add_prefix_space', true) ? 'always' : never);

/** Words at white space, each with a mark before it. */
export const marked = (scheme: string, unkId: number, normalizer?: JsonObject): Parts => ({
  normalizer,
  pre_tokenizer: cutting({ type: 'WhitespaceSplit' }, marking(scheme)),
  decoder: marking(scheme),
  model: model(unkId),
});

export const encoderClasses: Readonly<Record<string, TokenizerClass>> = {
  Bert: bert,
  MPNet: {
    models: 'mpnet',
    roles: { ...maskRoles, unk: '[UNK]' },
    flags: { mask: { lstrip: true } },
    parts: (options) => wordPiece(options),
    around: () => ({ ...robertaAround, trims: { trim_offsets: true, add_prefix_space: false } }),
  },
  Roberta: {
    aliases: 'Bart LED Longformer Mvp',
    models: 'bart bridgetower clap data2vec-text florence2 ibert led lilt longformer mra mvp roberta roberta-prelayernorm',
    roles: maskRoles,
    parts: (options) => bytes(options),
    around: (options) => ({
      ...robertaAround,
      trims: { trim_offsets: options.flag('trim_offsets', true), add_prefix_space: options.flag('add_prefix_space', false) },
    }),
  },
  XLMRoberta: {
    models: 'gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod',
    roles: maskRoles,
    parts: (options) => marked(schemeOf(options), 3, options.charsmap),
    around: () => ({ single: 'bos $A eos', pair: 'bos $A eos eos $B eos' }),
  },
};
