/**
 * Masked language modelling (Devlin et al. 2019, arXiv 1810.04805, §3.1 and appendix A.1): 15 % of a row's ordinary tokens are to be predicted, of which the model
 * sees 80 % as the mask, 10 % as another token, and 10 % unchanged. Special tokens and padding are never among them.
 */
import type { Engine } from '../../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import { Random } from '../../random.js';
import type { Tensor } from '../../tensor.js';
import type { Padded } from '../data/collate.js';
import { checkRows, type Limits, type Objective, prediction, predictionMetrics, tokensIn, toTensor } from '../objective.js';

/** Anything that fills gaps: ids [B, T] int32, the rows' lengths → logits [B, T, V]. */
export interface MaskedLMModel {
  /** Engine on which the model runs. */
  readonly engine: Engine;
  /** ids [B, T] int32, the rows' lengths without padding → logits [B, T, V]. */
  forward(ids: Tensor, lengths: readonly number[]): Tensor;
  /** Config of the model: batches are checked against its vocabulary size and its positions, where given. */
  readonly config?: Limits | undefined;
}

const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
/** Tokenizer as the objective needs it, for example one of heed's. */
export type MaskingTokenizer = { readonly [role in `${(typeof roles)[number]}_token_id`]?: number | undefined };

/** Options of maskedLM. */
export interface MaskedLMOptions {
  /** Tells the mask's id and those of the other special tokens. */
  tokenizer: MaskingTokenizer;
  /** Number of ids from which replacement tokens are drawn. Default the model's `config.vocab_size`. */
  vocabulary?: number | undefined;
  /** Share of ordinary tokens that are predicted: rounded, and at least one token of a row that has any. Default 0.15. */
  probability?: number | undefined;
}

/** A token that is predicted becomes the mask up to here, another one up to the next, and else stays. */
const [MASKED, REPLACED] = [0.8, 0.9];
const IGNORED = -100;

/**
 * Batches are rows of token ids, as `pad` makes them. What is masked changes with every step; it depends on the seed, the step and the number of the row in its
 * batch, not on the padding or the other rows.
 * @example new Trainer(model.encoder, { objective: maskedLM({ tokenizer }), … })
 */
export function maskedLM<Model extends MaskedLMModel>(options: MaskedLMOptions): Objective<Model, Padded> {
  checkOptions(options, ['tokenizer', 'vocabulary', 'probability'], 'maskedLM');
  const { tokenizer, vocabulary, probability = 0.15 } = options;
  const mask = tokenizer?.mask_token_id;
  if (mask === undefined) throw wrong('tokenizer', 'the tokenizer has no mask', 'Take the one that belongs to a model of this kind');
  if (!(typeof probability === 'number' && probability > 0 && probability <= 1))
    throw wrong('probability', `probability is ${kindOf(probability)}`, 'It is a number above 0, at most 1');
  const special = new Set(roles.map((role) => tokenizer[`${role}_token_id`]));
  return {
    metrics: predictionMetrics,
    prepare(model, batch, random) {
      checkRows('ids', batch, model.config);
      const V = vocabulary ?? model.config?.vocab_size;
      if (!(Number.isSafeInteger(V) && (V as number) > special.size))
        throw wrong('vocabulary', `there are ${kindOf(V)} tokens to draw from`, 'Give the size of the vocabulary');
      const { ids, labels } = masked(batch, { mask, special, V: V as number, probability, random });
      return prediction(model.engine, {
        ...{ labels, ignoreIndex: IGNORED, tokens: tokensIn(batch) },
        logits: () => model.forward(toTensor(model.engine, ids), Array.from(batch.lengths)),
      });
    },
  };
}

interface Masking {
  mask: number;
  special: ReadonlySet<number | undefined>;
  V: number;
  probability: number;
  random: Random;
}

/** Inputs with masks, and labels: IGNORED except at the places that were drawn. */
export function masked(
  { ids, lengths }: Padded,
  { mask, special, V, probability, random }: Masking,
): Record<'ids' | 'labels', Padded['ids']> {
  const [B, T] = ids.dims;
  const seen = ids.data.slice();
  const labels = new Int32Array(B * T).fill(IGNORED);
  const batch = random.uint32();
  const other = (draw: Random): number => {
    for (;;) {
      const id = draw.below(V);
      if (!special.has(id)) return id;
    }
  };
  for (let b = 0; b < B; b++) {
    const draw = new Random(batch, b);
    const places = Array.from({ length: lengths[b] as number }, (_, t) => b * T + t).filter((at) => !special.has(ids.data[at]));
    const count = Math.min(places.length, Math.max(1, Math.round(places.length * probability)));
    for (const at of draw.shuffle(places).slice(0, count)) {
      labels[at] = ids.data[at] as number;
      const fate = draw.uniform();
      if (fate < MASKED) seen[at] = mask;
      else if (fate < REPLACED) seen[at] = other(draw);
    }
  }
  return { ids: { ...ids, data: seen }, labels: { ...ids, data: labels } };
}

const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', `maskedLM: ${what}`, { culprit, cure });
