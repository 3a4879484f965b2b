/** Tokenizer classes whose model is byte-pair encoding: over bytes as in GPT-2, and over characters. */
import type { JsonObject } from '../../io/json.js';
import type { ClassOptions, Parts, TokenizerClass } from './class.js';
import {
  bertRoles,
  bertWords,
  byteLevel,
  bytes,
  cutting,
  decoding,
  marking,
  maskRoles,
  normalizing,
  replacing,
  robertaAround,
  spacesToOne,
} from './encoders.js';
import { nllb, translates } from './languages.js';

const NFC = { type: 'NFC' };
const endOfText = '<|endoftext|>';
const gpt2Roles = { bos: endOfText, eos: endOfText, unk: endOfText };
const gemmaRoles = { bos: '<bos>', eos: '<eos>', unk: '<unk>', pad: '<pad>', mask: '<mask>' };

const qwen = (pattern: string): TokenizerClass => ({
  roles: { bos: null, eos: endOfText, unk: endOfText, pad: endOfText },
  parts: (options) =>
    bytes(options, {
      normalizer: NFC,
      pre_tokenizer: cutting(
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        byteLevel(options.flag('add_prefix_space', false), { use_regex: false }),
      ),
    }),
});

/** Letters are `letter`: with their marks in later models. */
const qwenPattern = (letter: string, letters: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?${letters}+|\\p{N}| ?[^\\s${letter}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const clipPattern = "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** SentencePiece's BPE with bytes to fall back on. */
const withBytes = (scheme: string, strips: boolean, model: object): Parts => ({
  pre_tokenizer: marking(scheme, false),
  decoder: decoding(
    replacing({ String: '▁' }, ' '),
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(strips ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ),
  model: { type: 'BPE', fuse_unk: true, byte_fallback: true, ...model },
});

const gemma = (options: ClassOptions): Parts => ({
  ...withBytes('never', false, { unk_token: options.token('unk') }),
  normalizer: replacing({ String: ' ' }, '▁'),
  // The pre-tokenizer would split at spaces, of which the normalizer leaves none.
  pre_tokenizer: undefined,
});

/** SentencePiece's BPE, unknown characters of which become one token. */
const merged = (options: ClassOptions, scheme: string, normalizer: JsonObject | undefined): Parts => ({
  normalizer,
  pre_tokenizer: marking(scheme),
  decoder: marking(scheme),
  model: { type: 'BPE', unk_token: options.token('unk'), fuse_unk: true },
});

const charsmapThenSpaces = ({ charsmap }: ClassOptions) => charsmap && normalizing(charsmap, spacesToOne());

/** BERT's words, each with a mark at its end. */
const wordEnds = (options: ClassOptions, normalizer: object): Parts => ({
  ...bertWords(normalizer),
  decoder: { type: 'BPEDecoder', suffix: '</w>' },
  model: { type: 'BPE', unk_token: options.token('unk'), end_of_word_suffix: '</w>' },
});

const infilling = ['▁<PRE>', '▁<MID>', '▁<SUF>', '▁<EOT>', '<FILL_ME>'];

export const bpeClasses = (): Readonly<Record<string, TokenizerClass>> => ({
  Blenderbot: {
    models: 'blenderbot',
    roles: maskRoles,
    flags: { mask: { lstrip: true, normalized: false } },
    parts: (options) => bytes(options, {}, true),
  },
  CLIP: {
    models: 'aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip',
    roles: { bos: '<|startoftext|>', eos: endOfText, unk: endOfText, pad: endOfText },
    parts: (options) => ({
      normalizer: normalizing(NFC, replacing({ Regex: '\\s+' }, ' '), { type: 'Lowercase' }),
      pre_tokenizer: cutting({ type: 'Split', pattern: { Regex: clipPattern }, behavior: 'Removed', invert: true }, byteLevel(false)),
      decoder: decoding(byteLevel(false), replacing({ String: '</w>' }, ' '), {
        type: 'Strip',
        content: ' ',
        start: 1 << 16,
        stop: 1 << 16,
      }),
      model: { type: 'BPE', unk_token: options.token('unk'), end_of_word_suffix: '</w>' },
    }),
    around: () => ({ single: 'bos $A eos', pair: 'bos $A eos eos $B eos' }),
  },
  CodeGen: { roles: { ...gpt2Roles, pad: null }, parts: (options) => bytes(options) },
  CodeLlama: {
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>' },
    named: { prefix_token: '▁<PRE>', middle_token: '▁<MID>', suffix_token: '▁<SUF>', eot_token: '▁<EOT>', fill_token: '<FILL_ME>' },
    parts: (options) => withBytes(options.flag('add_prefix_space', true) ? 'first' : 'never', true, { unk_token: options.token('unk') }),
    extras: (given = []) => [...given, ...infilling],
    addsBos: true,
    padsLeft: true,
  },
  Cohere: {
    models: 'aya_vision cohere cohere2',
    roles: {
      ...{ bos: '<BOS_TOKEN>', eos: '<|END_OF_TURN_TOKEN|>', unk: '<UNK>' },
      ...{ sep: '<SEP>', pad: '<PAD>', cls: '<CLS>', mask: '<MASK_TOKEN>' },
    },
    parts: (options) => {
      const level = byteLevel(options.flag('add_prefix_space', false));
      return bytes(options, {
        normalizer: NFC,
        pre_tokenizer: cutting({ type: 'Digits', individual_digits: true }, level),
        decoder: level,
      });
    },
    again: 'special',
    padsLeft: true,
  },
  Deberta: {
    models: 'deberta',
    roles: { ...bertRoles, bos: '[CLS]', eos: '[SEP]' },
    parts: (options) => bytes(options),
    around: () => robertaAround,
  },
  Gemma: {
    models: 'diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma zaya',
    roles: gemmaRoles,
    parts: gemma,
    padsLeft: true,
  },
  GPT2: {
    models: 'blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip instructblipvideo jais2 opt phi starcoder2',
    misnamed: 'hyperclovax_vision_v2',
    roles: { ...gpt2Roles, pad: null },
    parts: (options) => bytes(options),
  },
  GPTNeoX: {
    models: 'falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm',
    roles: { ...gpt2Roles, pad: '<|padding|>' },
    parts: (options) => bytes(options, { normalizer: NFC }),
    around: 'plain',
  },
  Herbert: {
    roles: { unk: '<unk>', sep: '</s>', pad: '<pad>', cls: '<s>', mask: '<mask>' },
    parts: (options) => wordEnds(options, { lowercase: false, strip_accents: false }),
    // Herbert's special tokens have fixed ids.
    around: () => ({ single: '#0 $A #2', pair: '#0 $A #2 $B:1 #2:1' }),
  },
  Llama: {
    models: 'idefics idefics2',
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>' },
    parts: (options) => {
      const prefixes = options.flag('add_prefix_space', true);
      const scheme = options.flag('legacy', false) ? 'always' : 'first';
      return withBytes(prefixes ? scheme : 'never', prefixes, {});
    },
    padsLeft: true,
  },
  Nllb: {
    models: 'nllb-moe',
    roles: maskRoles,
    flags: { mask: { lstrip: true, normalized: true, special: true } },
    parts: (options) => merged(options, 'always', charsmapThenSpaces(options)),
    extras: (given = nllb()) => given,
    around: translates('eng_Latn', (options) => (options.flag('legacy_behaviour', false) ? 'last' : 'first')),
  },
  OpenAIGPT: {
    models: 'openai-gpt',
    roles: { unk: '<unk>' },
    parts: (options) => wordEnds(options, { lowercase: true, strip_accents: null }),
  },
  Qwen2: {
    models:
      'audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl lighton_ocr moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe qwen2_vl qwen3 qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe vibevoice',
    misnamed: 'qwen2',
    ...qwen(qwenPattern('\\p{L}', '\\p{L}')),
    again: 'plain',
  },
  Qwen3_5: {
    ...qwen(qwenPattern('\\p{L}\\p{M}', '[\\p{L}\\p{M}]')),
    models: 'qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp',
    misnamed: 'qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp',
  },
  Reformer: {
    models: 'reformer',
    roles: { eos: '</s>', unk: '<unk>' },
    parts: (options) => merged(options, 'always', charsmapThenSpaces(options)),
    again: 'special',
  },
  SeamlessM4T: {
    models: 'seamless_m4t seamless_m4t_v2',
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '</s>', pad: '<pad>', cls: '<s>' },
    parts: (options) =>
      merged(
        options,
        'first',
        normalizing(
          replacing({ Regex: '[\\n\\r\\t]' }, ' '),
          { type: 'NFKC' },
          { type: 'Strip', strip_left: false, strip_right: true },
          replacing({ Regex: ' +▁' }, '▁'),
          replacing({ Regex: '^▁+$' }, ''),
          spacesToOne('▁'),
        ),
      ),
    around: translates(
      'eng',
      () => 'first',
      (language) => (language.includes('__') ? language : `__${language}__`),
    ),
  },
  Siglip2: {
    models: 'siglip2',
    misnamed: 'siglip2',
    roles: gemmaRoles,
    parts: (options) => ({ ...gemma(options), normalizer: normalizing({ type: 'Lowercase' }, replacing({ String: ' ' }, '▁')) }),
    padsLeft: true,
  },
  Whisper: {
    models: 'whisper',
    roles: gpt2Roles,
    flags: { bos: { normalized: false }, eos: { normalized: false }, unk: { normalized: false } },
    parts: (options) => bytes(options, { decoder: decoding(byteLevel(false), replacing({ Regex: '<\\|\\d+\\.\\d+\\|>' }, '')) }),
    around: whisperAround,
  },
});

function whisperAround(options: ClassOptions) {
  const [language, task] = [options.get('language'), options.get('task')];
  const words = [
    '<|startoftranscript|>',
    ...(language ? [`<|${String(language).toLowerCase()}|>`] : []),
    ...(task ? [`<|${task}|>`] : []),
    ...(options.flag('predict_timestamps', false) ? [] : ['<|notimestamps|>']),
  ].join(' ');
  return { single: `${words} $A eos`, pair: `${words} $A $B:1 eos:1` };
}
