/**
 * renderAttention: the attention weights of a model as one HTML page that needs no other file: heat maps of every head of every layer, one of them large with the
 * tokens on its axes. This file checks the weights and writes them into the page; the page's script is in page/.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import type { HostTensor } from '../tensor.js';
import { type CodeName, codes, encode, type GroupData, type PageData } from './codes.js';
import { document } from './document.js';

/** Attention weights as models return them: one tensor per layer, [1, H, T, S] or [H, T, S]. */
export interface Attentions {
  /** Self-attention of the source. */
  encoder?: readonly HostTensor[] | undefined;
  /** Self-attention of the target. */
  decoder?: readonly HostTensor[] | undefined;
  /** Cross-attention of the target to the source. */
  cross?: readonly HostTensor[] | undefined;
}

/** Contents of a page: a title, tokens, and the weights between them. */
export interface AttentionPicture {
  /** Heading of the page. */
  title: string;
  /** Line below the title. */
  note?: string | undefined;
  /** Tokens of the source, one for each key of `encoder` and `cross`. */
  source: readonly string[];
  /** Tokens of the target, one for each query of `decoder` and `cross`. Default: none. */
  target?: readonly string[] | undefined;
  /** Weights; one kind at least. */
  attentions: Attentions;
}

type Kind = keyof Attentions;

const kinds: Readonly<Record<Kind, Pick<GroupData, 'name' | 'queries' | 'keys'>>> = {
  encoder: { name: 'Encoder', queries: 'source', keys: 'source' },
  cross: { name: 'Cross', queries: 'target', keys: 'source' },
  decoder: { name: 'Decoder', queries: 'target', keys: 'target' },
};

/** Bytes of weights up to which a page has them in 16 bits: with its script it then stays below 300 kB. */
const FINE = 180_000;
/** Tolerance for weights above 1, by rounding. */
const SLACK = 1e-3;

/** Renders a page of HTML. Throws ARGUMENT, SHAPE, NUMERIC, UNSUPPORTED for contents that cannot be drawn. */
export function renderAttention(picture: AttentionPicture): string {
  checkOptions(picture, ['title', 'note', 'source', 'target', 'attentions'], 'renderAttention');
  const { title, note = '', source, target = [], attentions } = picture;
  for (const [name, text] of Object.entries({ title, note }))
    if (typeof text !== 'string') throw wrong(name, `is ${kindOf(text)}`, 'It must be a string');
  for (const [name, list] of Object.entries({ source, target }))
    if (!Array.isArray(list) || list.some((token) => typeof token !== 'string'))
      throw wrong(name, `is ${kindOf(list)}`, 'It must be a list of strings, one for each token');
  checkOptions(attentions, Object.keys(kinds), 'renderAttention: attentions');
  const tokens = { source, target };
  const given = (Object.keys(kinds) as Kind[]).filter((kind) => attentions[kind] !== undefined);
  if (!given.length) throw wrong('attentions', 'has no group', `Give one of ${Object.keys(kinds).join(', ')}`);
  const groups = given.map((kind) => ({ kind, ...checkGroup(kind, attentions[kind] as readonly HostTensor[], tokens) }));
  const numbers = groups.reduce((sum, { layers }) => sum + layers.reduce((n, { length }) => n + length, 0), 0);
  const code: CodeName = numbers * codes.u16.bytes <= FINE ? 'u16' : 'u8';
  const data: PageData = {
    tokens,
    groups: groups.map(({ kind, layers, heads }) => ({
      ...kinds[kind],
      layers: layers.length,
      heads,
      code,
      weights: encode(layers, code),
    })),
  };
  return document(title, note, data);
}

function checkGroup(kind: Kind, layers: readonly HostTensor[], tokens: PageData['tokens']) {
  const [T, S] = [tokens[kinds[kind].queries].length, tokens[kinds[kind].keys].length];
  if (!Array.isArray(layers) || !layers.length)
    throw wrong(kind, `is ${kindOf(layers)}`, 'It must be a list of tensors, one for each layer; ask the model for output_attentions');
  const H = layers[0]?.dims?.at(-3) ?? 0;
  const arrays = layers.map((layer, l) => {
    const { dims, data } = Object(layer) as Partial<HostTensor>;
    const fits = Array.isArray(dims) && (dims.length === 3 || (dims.length === 4 && dims[0] === 1)) && H > 0 && T > 0 && S > 0;
    if (!fits || dims.slice(-3).join() !== [H, T, S].join() || data?.length !== H * T * S)
      throw new HeedError(
        'SHAPE',
        `renderAttention: ${kind}, layer ${l} is [${dims ?? kindOf(layer)}], and there are ${T} and ${S} tokens`,
        {
          culprit: kind,
          shape: Array.isArray(dims) ? dims : [],
          cure: 'Each layer must be [1, heads, queries, keys] of one example, without padding',
        },
      );
    return checkWeights(kind, l, data);
  });
  return { layers: arrays, heads: H };
}

/** Checks the weights of a layer, and clips them to 0 … 1. */
function checkWeights(kind: Kind, layer: number, data: ArrayLike<number>): Float32Array {
  const out = Float32Array.from(data);
  for (let i = 0; i < out.length; i++) {
    const w = out[i] as number;
    if (!(w >= -SLACK && w <= 1 + SLACK)) throw noWeight(kind, layer, w);
    out[i] = Math.min(Math.max(w, 0), 1);
  }
  return out;
}

function noWeight(kind: Kind, layer: number, value: number): HeedError {
  const finite = Number.isFinite(value);
  return new HeedError(finite ? 'ARGUMENT' : 'NUMERIC', `renderAttention: ${kind}, layer ${layer} holds ${value}`, {
    culprit: kind,
    cure: finite ? 'Give weights of 0 to 1, as they are after the softmax' : 'Are the weights of the model finite?',
  });
}

const wrong = (culprit: string, what: string, cure: string): HeedError =>
  new HeedError('ARGUMENT', `renderAttention: ${culprit} ${what}`, { culprit, cure });
