/** Tokenizer classes whose model is SentencePiece's unigram. */
import type { JsonObject } from '../../io/json.js';
import { type ClassOptions, contentOf, type Parts, type TokenizerClass } from './class.js';
import {
  bertAround,
  bertRoles,
  bosRoles,
  cutting,
  marked,
  marking,
  maskRoles,
  normalizing,
  replacing,
  schemeOf,
  spacesToOne,
} from './encoders.js';
import { mbart, mbart50, translates } from './languages.js';

const clsRoles = { bos: '[CLS]', eos: '[SEP]', unk: '<unk>', sep: '[SEP]', pad: '<pad>', cls: '[CLS]', mask: '[MASK]' };
const t5Roles = { eos: '</s>', unk: '<unk>', pad: '<pad>' };

const sameMask = { mask: { lstrip: true } };
const plain = { lstrip: false };
const quotes = () => [replacing({ String: '``' }, '"'), replacing({ String: "''" }, '"')];
const eosAround = () => ({ single: '$A eos', pair: '$A eos $B eos' });

/** Index of a token in the vocabulary; with `free` only of a token with the score 0. */
function indexOf({ vocab }: ClassOptions, token: string, free: boolean, absent: number): number {
  const found = Array.isArray(vocab) ? vocab.findIndex((entry) => entry?.[0] === token && (!free || entry[1] === 0)) : -1;
  return found < 0 ? absent : found;
}

/** Parts that mark spaces, whatever the white space. */
const spaced = (scheme: string, unkId: number, normalizer?: JsonObject): Parts => ({
  ...marked(scheme, unkId, normalizer),
  pre_tokenizer: marking(scheme),
});

/** Normalization of letters in ALBERT and XLNet. */
const letters = (
  { charsmap }: ClassOptions,
  { accents, lowercase, spaces = false }: { accents: boolean; lowercase: boolean; spaces?: boolean },
) =>
  normalizing(
    ...quotes(),
    spaces ? spacesToOne() : undefined,
    ...(accents ? [] : [{ type: 'NFKD' }, { type: 'StripAccents' }]),
    lowercase ? { type: 'Lowercase' } : undefined,
    charsmap,
  );

/** Line breaks, tabs and runs of white space become a space. */
const spaces = /* @__PURE__ */ replacing({ Regex: '\\s{2,}|[\\n\\r\\t]' }, ' ');
const stripsRight = { type: 'Strip', strip_left: false, strip_right: true };

const albert: TokenizerClass = {
  models: 'albert yoso',
  roles: clsRoles,
  parts: (options) =>
    marked(
      schemeOf(options),
      1,
      letters(options, { accents: options.flag('keep_accents', false), lowercase: options.flag('do_lower_case', true) }),
    ),
  around: bertAround,
  aroundWhere: 'absent',
};

const sentinels = (options: ClassOptions) => {
  const count = options.get('extra_ids') ?? 100;
  return Array.from({ length: Number.isInteger(count) ? Math.min(count as number, 10_000) : 100 }, (_, i) => `<extra_id_${i}>`);
};

export const unigramClasses = (): Readonly<Record<string, TokenizerClass>> => ({
  Albert: albert,
  Barthez: {
    roles: maskRoles,
    flags: sameMask,
    parts: (options) => spaced(schemeOf(options), 3, normalizing(spaces, { type: 'NFC' }, stripsRight)),
  },
  BigBird: {
    models: 'big_bird',
    roles: { ...clsRoles, bos: '<s>', eos: '</s>' },
    flags: { bos: plain, eos: plain, unk: plain, pad: plain, cls: plain, sep: plain, mask: { lstrip: true } },
    parts: (options) => spaced(schemeOf(options), indexOf(options, options.token('unk'), true, 100), spacesToOne('▁')),
    around: bertAround,
  },
  Camembert: {
    models: 'camembert',
    roles: maskRoles,
    flags: { mask: { lstrip: true, special: true } },
    parts: (options) => marked(schemeOf(options), indexOf(options, options.token('unk'), false, 0), options.charsmap),
    around: () => ({ single: 'bos $A eos', pair: 'bos $A eos eos $B eos' }),
    extras: (given = ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED']) => given,
  },
  DebertaV2: {
    models: 'deberta-v2',
    roles: { ...bertRoles, bos: '[CLS]', eos: '[SEP]' },
    parts: (options) => {
      const scheme = schemeOf(options, 'first');
      const unkId = options.get('unk_id') ?? 1;
      const lower = options.flag('do_lower_case', false) ? { type: 'Lowercase' } : undefined;
      const punctuation = options.flag('split_by_punct', false) ? [{ type: 'Punctuation', behavior: 'Isolated' }] : [];
      return {
        ...spaced(
          scheme,
          indexOf(options, options.token('unk'), true, unkId as number),
          normalizing(lower, spaces, { type: 'NFC' }, stripsRight),
        ),
        pre_tokenizer: cutting(...punctuation, marking(scheme)),
      };
    },
    around: bertAround,
  },
  FNet: { ...albert, parts: undefined, around: undefined, aroundWhere: undefined, models: 'fnet' },
  MBart: {
    models: 'mbart',
    roles: maskRoles,
    flags: sameMask,
    parts: () => marked('always', 3),
    around: translates('en_XX', () => 'last'),
    extras: (given = []) => [...new Set([...mbart(), ...given])],
  },
  MBart50: {
    roles: { eos: '</s>', unk: '<unk>', sep: '</s>', pad: '<pad>', cls: '<s>', mask: '<mask>' },
    flags: sameMask,
    parts: (options) => spaced('always', 3, normalizing(options.charsmap, spacesToOne())),
    around: translates('en_XX', () => 'first'),
    extras: (given = []) => [...given, ...mbart50()],
  },
  Pegasus: {
    models: 'pegasus',
    roles: { eos: '</s>', unk: '<unk>', pad: '<pad>', mask: '<mask_2>' },
    parts: (options) =>
      spaced(
        'always',
        indexOf(options, options.token('unk'), true, 0),
        normalizing(options.charsmap ?? replacing({ Regex: '\\n' }, ' '), spacesToOne()),
      ),
    around: () => ({ single: '$A eos', pair: '$A $B eos' }),
    extras: (given, options) => {
      const mask = options.string('mask_token_sent', '<mask_1>');
      const offset = options.get('offset') ?? 103;
      const words = Array.from({ length: Math.max(0, Number(offset) - 2) }, (_, i) => `<unk_${i + 2}>`);
      return given?.includes(mask) ? words : [mask, ...words];
    },
  },
  RemBert: {
    models: 'rembert',
    roles: clsRoles,
    parts: (options) =>
      spaced(
        schemeOf(options),
        2,
        letters(options, { accents: options.flag('keep_accents', true), lowercase: options.flag('do_lower_case', false), spaces: true }),
      ),
    around: bertAround,
    aroundWhere: 'present',
    again: 'special',
  },
  T5: {
    models: 'mt5 musicgen musicgen_melody switch_transformers t5',
    roles: t5Roles,
    parts: ({ charsmap }) => marked('always', 2, charsmap),
    around: eosAround,
    extras: (given, options) =>
      given?.some((token) => contentOf(token).includes('<extra_id_')) ? given : [...(given ?? []), ...sentinels(options)],
  },
  Udop: {
    models: 'udop',
    roles: { ...t5Roles, sep: '</s>' },
    parts: (options) => marked('always', indexOf(options, options.token('unk'), false, 2)),
    around: eosAround,
  },
  XGLM: {
    models: 'xglm',
    roles: bosRoles,
    parts: (options) => spaced(schemeOf(options), 3, normalizing(options.charsmap, spacesToOne())),
    around: () => ({ single: 'eos $A', pair: 'eos $A eos eos $B' }),
    extras: (given = []) => [...new Set([...given, ...Array.from({ length: 7 }, (_, i) => `<madeupword${i}>`)])],
  },
  XLNet: {
    models: 'xlnet',
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '<sep>', pad: '<pad>', cls: '<cls>', mask: '<mask>' },
    flags: sameMask,
    parts: (options) =>
      marked(
        'always',
        Number(options.get('unk_id') ?? 0),
        letters(options, { accents: false, lowercase: options.flag('do_lower_case', false) }),
      ),
    around: () => ({ single: '$A sep cls:2', pair: '$A sep $B:1 sep:1 cls:2' }),
    extras: (given = ['<eop>', '<eod>']) => given,
    padsLeft: true,
  },
  // transformers reads these from SentencePiece's files alone; a tokenizer.json of theirs stands as it is.
  M2M100: { models: 'm2m_100', roles: bosRoles },
  Marian: { models: 'marian', roles: t5Roles },
});
