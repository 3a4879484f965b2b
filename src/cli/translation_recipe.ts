/**
 * The recipe by which `heed train translation` trains a translator between two languages on pairs of sentences, as data: its settings and its tokens.
 * Vaswani et al. 2017 (arXiv 1706.03762), small, with pre-norm layers; one model for both directions, selected by a token before the source
 * (Johnson et al. 2017, arXiv 1611.04558). translation_run.ts runs it.
 */
import { HeedError } from '../errors.js';

interface Setting {
  value: number;
  what: string;
  /** `true` for a setting that need not be whole. */
  real?: boolean;
  /** Least value. Default: 0 for settings that need not be whole, else 1. */
  least?: number;
  most?: number;
  above?: number;
  below?: number;
}

/** Every setting: its value, what it is, and what it may be. Each is an option of the command. */
export const settings = {
  steps: { value: 4000, what: 'updates of the weights' },
  batch: { value: 96, what: 'examples in an update' },
  seed: { value: 0, what: 'decides on first weights, order and dropout', least: 0 },
  vocabulary: { value: 8000, what: 'pieces of the tokenizer', most: (1 << 24) - 1 },
  maxTokens: { value: 59, what: 'examples that are longer on a side are left out' },
  dModel: { value: 256, what: 'channels', most: 1 << 24 },
  heads: { value: 8, what: 'heads of an attention' },
  layers: { value: 3, what: 'layers of the encoder', most: 1024 },
  decoderLayers: {
    value: 0,
    what: 'layers of the decoder, which runs for each token that is written; 0: as many as the encoder has',
    least: 0,
    most: 1024,
  },
  feedForward: { value: 1024, what: 'channels inside of a layer', most: 1 << 24 },
  dropout: { value: 0.1, what: 'share of activations that training drops', real: true, most: 1 },
  labelSmoothing: { value: 0.1, what: 'share of a target that all tokens have', real: true, most: 1 },
  learningRate: { value: 1e-3, what: 'at its highest', real: true },
  warmup: { value: 400, what: 'updates until then; a cosine goes down from there' },
  cooldown: { value: 0, what: 'updates at the end over which the rate goes down, instead of a cosine', least: 0 },
  careless: {
    value: 0,
    what: 'share of sources learned as people type: without capitals, final stop or Chinese marks',
    real: true,
    most: 1,
  },
  beta1: { value: 0.9, what: 'AdamW: how long the mean of gradients lasts', real: true, below: 1 },
  beta2: { value: 0.98, what: 'AdamW: and of their squares', real: true, below: 1 },
  epsilon: { value: 1e-9, what: 'AdamW: keeps from dividing by nothing', real: true },
  weightDecay: { value: 0.01, what: 'AdamW: on all weights', real: true },
  clip: { value: 1, what: 'the largest norm of all gradients', real: true, above: 0 },
  bucket: { value: 50, what: 'batches that are sorted by length together' },
  evaluateEvery: { value: 250, what: 'updates between validations' },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof settings;
export type Settings = Record<SettingName, number>;
export const settingNames = Object.keys(settings) as SettingName[];

/** The option that sets it. */
export const optionOf = (name: SettingName): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Valid values of a setting, where `value` is none of them. */
export function wrongWith(name: SettingName, value: unknown): string | undefined {
  const { real = false, least = real ? 0 : 1, above, most, below }: Setting = settings[name];
  const isNumber = real ? Number.isFinite(value) : Number.isSafeInteger(value);
  const x = value as number;
  if (isNumber && x >= least && x <= (most ?? x) && x > (above ?? -1) && x < (below ?? Number.POSITIVE_INFINITY)) return;
  const begin = above === undefined ? `from ${least}` : `above ${above}`;
  const end = most !== undefined ? ` to ${most}` : below !== undefined ? `, below ${below}` : '';
  return `It must be a ${real ? 'number' : 'whole number'} ${begin}${end}.`;
}

/** Throws ARGUMENT for settings that do not go together. */
export function checkTogether({ dModel, heads, warmup, steps }: Settings): void {
  if (dModel % heads)
    throw new HeedError('ARGUMENT', `${heads} heads cannot share ${dModel} channels`, {
      culprit: '--heads',
      cure: 'Give a --d-model that is a multiple of --heads',
    });
  if (steps <= warmup)
    throw new HeedError('ARGUMENT', `${steps} steps are over before the ${warmup} of the warmup`, {
      culprit: '--warmup',
      cure: 'Give fewer with --warmup, or more --steps',
    });
}

/** Tokens that are not text, by their roles: the first pieces of the vocabulary. */
export const special = { pad: '<pad>', unk: '<unk>', bos: '<s>', eos: '</s>' } as const;
/** A sentence in each language. */
export type Pair = readonly string[];
/** The languages, in the order of a file's columns, each with the token that asks for it. */
export const languages = [
  { name: 'en', token: '<2en>' },
  { name: 'zh', token: '<2zh>' },
] as const;
/** Both directions, from column to column. */
export const directions = [
  { from: 0, to: 1, prefix: languages[1].token },
  { from: 1, to: 0, prefix: languages[0].token },
] as const;

/** Both directions, where the carelessly typed sources stand in columns of their own (careless.ts). */
export const typedDirections = directions.map(({ from, ...way }) => ({ ...way, from: from + languages.length }));

/** Options with which the tokenizer is trained. */
export const bpeOptions = (vocabulary: number) => ({
  vocabSize: vocabulary,
  minFrequency: 2,
  specialTokens: [...Object.values(special), languages[1].token, languages[0].token],
  unkToken: special.unk,
  normalizer: 'NFKC' as const,
  preTokenizer: 'Metaspace' as const,
});
