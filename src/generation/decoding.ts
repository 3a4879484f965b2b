/** A model as a loop sees it, and what an encoder-decoder says of the sequences that were found. */
import type { DecoderState } from '../models/decoder_state.js';
import type { EncoderDecoder, EncoderStates, SourceInputs, Wants } from '../models/encoder_decoder.js';
import { inPlace } from '../models/source.js';
import { HostTensor, type Tensor } from '../tensor.js';
import type { Decoding } from './request.js';
import type { Found } from './sequence.js';

/** What a loop asks of a model that writes: the scores of what follows the last tokens, [rows, last, V]. */
interface Writes {
  decode(
    ids: Int32Array,
    shape: readonly [rows: number, T: number],
    state: DecoderState,
    wants: { last: number },
  ): Generator<void, { logits: Tensor }>;
  /** Whether the last tokens of a text are read alike, be it of a or of b tokens. Default: they are. */
  readsAlike?(a: number, b: number): boolean;
}

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

/** What an encoder and a decoder looked at and made of it, under transformers' names; of each block. */
export interface Insights {
  /** When attentions are asked for: [B, H, S, S], [rows, H, T, T], [rows, H, T, S]. */
  encoder_attentions?: HostTensor[];
  /** What the decoder attends to in its own text, [rows, H, T, T]. */
  decoder_attentions?: HostTensor[];
  /** What the decoder attends to in the source, [rows, H, T, S]. */
  cross_attentions?: HostTensor[];
  /** When hidden states are asked for, the embeddings before them: [B, S, C], [rows, T, C]. */
  encoder_hidden_states?: HostTensor[];
  /** The decoder's, [rows, T, C]. */
  decoder_hidden_states?: HostTensor[];
}

const toHost = (tensors: readonly Tensor[]): HostTensor[] => tensors.map((x) => x.toHost());

/** One forward over texts [rows, T], each example's rows one after the other: what is wanted of it, the encoder's part included, and the logits [rows, T, V]. */
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

/** What beam search says of its sequences. */
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
