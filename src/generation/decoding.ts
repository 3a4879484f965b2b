/** A model with its state as the generation loop uses it, and the attentions and scores of the sequences that an encoder-decoder found. */
import type { DecoderState } from '../models/decoder_state.js';
import type { EncoderDecoder, EncoderStates, SourceInputs, Wants } from '../models/encoder_decoder.js';
import { inPlace } from '../models/source.js';
import { HostTensor, type Tensor } from '../tensor.js';
import { type Decoding, PIECE } from './job.js';
import type { Loop } from './loop.js';
import type { Read } from './past.js';
import type { Found } from './sequence.js';

/** Model that the loop can decode with: `decode` gives the scores of the tokens behind the last ones, [rows, last, V]. */
interface Writes {
  decode(
    ids: Int32Array,
    shape: readonly [rows: number, T: number],
    state: DecoderState,
    wants: { last: number },
  ): Generator<void, { logits: Tensor }>;
  /** `true` where tokens are read with the same result in a text of a tokens and in one of b. Default: true. */
  readsAlike?(a: number, b: number): boolean;
}

/** A model of texts alone, which can be read anew. */
type Rereads = Writes & Required<Pick<Writes, 'readsAlike'>> & { start(whole: number): DecoderState };
const rereads = (module: Writes): module is Rereads => module.readsAlike !== undefined;

/** A model, and what it remembers of the rows so far, as a loop sees them. */
export class ModelDecoding implements Decoding {
  constructor(
    readonly module: Writes,
    readonly state: DecoderState,
  ) {}

  *step(tokens: Int32Array, rows: number, scored = 1): Generator<void, Tensor> {
    const { logits } = yield* this.module.decode(tokens, [rows, tokens.length / rows], this.state, { last: scored });
    return scored ? logits.view([rows * scored, logits.dim(2)]) : logits;
  }

  *renew(texts: readonly (readonly number[])[]): Generator<void, void> {
    const { module, state } = this;
    if (!rereads(module)) return;
    const outgrown = texts.flatMap(({ length }, row) => (length > 1 && !module.readsAlike(length - 1, length) ? [row] : []));
    if (!outgrown.length) return;
    const order = texts.map((_, row) => row);
    for (const row of outgrown) {
      const ids = texts[row] as readonly number[];
      const anew = new ModelDecoding(module, module.start(ids.length));
      try {
        for (let from = 0; from < ids.length - 1; from += PIECE)
          yield* anew.step(Int32Array.from(ids.slice(from, Math.min(from + PIECE, ids.length - 1))), 1, 0);
        state.join(anew.state);
      } finally {
        anew.dispose();
      }
      order[row] = texts.length + outgrown.indexOf(row);
    }
    state.reorder(order);
  }

  truncate(length: number): void {
    this.state.truncate(length);
  }

  readsAlike(length: number): boolean {
    return this.state.forgets && (this.module.readsAlike?.(this.state.length + 1, length) ?? true);
  }

  get length(): number {
    return this.state.length;
  }

  reorder(rows: readonly number[]): void {
    this.state.reorder(rows);
  }

  join(other: ModelDecoding): void {
    this.state.join(other.state);
  }

  dispose(): void {
    this.state.dispose();
  }
}

/** Texts that a loop is writing by some weights, as far as they were read: a new text reads no common beginning again. */
export const textsIn = (loop: Loop, weights: object): Read[] =>
  [...loop.texts()].flatMap(({ request, decoding, row, ids }) => {
    const { state } = decoding as ModelDecoding;
    return request.weights === weights ? { ids: ids.slice(0, state.lengths[row]), state, row } : [];
  });

/** Attentions and hidden states of an encoder and a decoder, under transformers' names; an entry per block. */
export interface Insights {
  /** Attention weights of the encoder, where attentions are asked for, [B, H, S, S]. */
  encoder_attentions?: HostTensor[];
  /** Self-attention weights of the decoder, where attentions are asked for, [rows, H, T, T]. */
  decoder_attentions?: HostTensor[];
  /** Cross-attention weights of the decoder over the source, where attentions are asked for, [rows, H, T, S]. */
  cross_attentions?: HostTensor[];
  /** Hidden states of the encoder, where hidden states are asked for, [B, S, C]; the embeddings come first. */
  encoder_hidden_states?: HostTensor[];
  /** Hidden states of the decoder, [rows, T, C]; the embeddings come first. */
  decoder_hidden_states?: HostTensor[];
}

const toHost = (tensors: readonly Tensor[]): HostTensor[] => tensors.map((x) => x.toHost());

/** Runs one forward pass over texts [rows, T], each example's rows one after the other: the insights that are asked for, the encoder's included, and the logits [rows, T, V]. */
export function* insightsOver(
  module: EncoderDecoder,
  { data, dims }: { data: Int32Array; dims: readonly [rows: number, T: number] },
  encoded: EncoderStates,
  source: SourceInputs,
  { attentions, hiddenStates }: Wants,
): Generator<void, Insights & { logits: HostTensor }> {
  const states = encoded.lastHiddenState;
  const [rows] = dims;
  const state = module.start(states, source.lengths);
  const placed = (tensors: readonly Tensor[], ...axes: number[]) => toHost(tensors).map((x) => inPlace(x, source, ...axes));
  try {
    if (rows !== states.dim(0)) state.reorder(Array.from({ length: rows }, (_, row) => Math.floor((row * states.dim(0)) / rows)));
    const decoded = yield* module.decode(data, dims, state, { attentions, hiddenStates });
    return {
      logits: decoded.logits.toHost(),
      ...(attentions && {
        encoder_attentions: placed(encoded.attentions, 2, 3),
        decoder_attentions: toHost(decoded.attentions),
        cross_attentions: placed(decoded.crossAttentions, 3),
      }),
      ...(hiddenStates && {
        encoder_hidden_states: placed(encoded.hiddenStates, 1),
        decoder_hidden_states: toHost(decoded.hiddenStates),
      }),
    };
  } finally {
    state.dispose();
  }
}

/** Side by side, filled up to the longest. */
export function rowsOf(lists: readonly (readonly number[])[], filler: number): HostTensor {
  const T = lists.reduce((most, list) => Math.max(most, list.length), 0);
  const data = new Int32Array(lists.length * T).fill(filler);
  for (const [row, list] of lists.entries()) data.set(list, row * T);
  return new HostTensor('int32', data, [lists.length, T]);
}

/** Scores and beam indices of the sequences that beam search found. */
export const beamsOf = (found: readonly Found[]): { sequences_scores: HostTensor; beam_indices: HostTensor } => ({
  sequences_scores: new HostTensor(
    'float32',
    Float32Array.from(found, ({ score }) => score as number),
    [found.length],
  ),
  beam_indices: rowsOf(
    found.map(({ beams = [] }) => beams),
    -1,
  ),
});
