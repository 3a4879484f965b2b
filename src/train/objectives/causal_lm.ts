/**
 * Causal language modelling: each token is predicted from those before it, so that a row of n tokens has n − 1 targets (Radford et al. 2018, §3.1). The
 * model itself must be causal.
 */
import type { Engine } from '../../engine/engine.js';
import { checkOptions } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import type { Padded } from '../data/collate.js';
import { checkRows, checkSmoothing, type Limits, type Objective, prediction, predictionMetrics, tokensIn, toTensor } from '../objective.js';

/** Anything that continues texts: ids [B, T] int32, the rows' lengths → logits [B, T, V]. */
export interface CausalLMModel {
  /** Engine on which the model runs. */
  readonly engine: Engine;
  /** ids [B, T] int32, the rows' lengths without padding → logits [B, T, V]. */
  forward(ids: Tensor, lengths: readonly number[]): Tensor;
  /** Config of the model: batches are checked against its vocabulary size and its positions, where given. */
  readonly config?: Limits | undefined;
}

/** Options of causalLM. */
export interface CausalLMOptions {
  /** Label smoothing: share of a target that all tokens share in training, 0 to 1. Default 0. Evaluation uses none. */
  labelSmoothing?: number | undefined;
}

/** A target that does not count. */
const IGNORED = -100;

/** Batches are rows of token ids, as `pad` makes them. @example new Trainer(model, { objective: causalLM(), … }) */
export function causalLM<Model extends CausalLMModel>(options: CausalLMOptions = {}): Objective<Model, Padded> {
  checkOptions(options, ['labelSmoothing'], 'causalLM');
  const { labelSmoothing = 0 } = options;
  checkSmoothing('causalLM', labelSmoothing);
  return {
    metrics: predictionMetrics,
    prepare(model, batch) {
      checkRows('ids', batch, model.config);
      const { input, labels } = shifted(batch);
      return prediction(model.engine, {
        ...{ labels, ignoreIndex: IGNORED, labelSmoothing, tokens: tokensIn(input) },
        logits: () => model.forward(toTensor(model.engine, input.ids), Array.from(input.lengths)),
      });
    },
  };
}

/** Inputs (rows without their last token) and labels (rows without their first token), both [B, T − 1]. */
function shifted({ ids, lengths }: Padded): { input: Padded; labels: Padded['ids'] } {
  const [B, T] = ids.dims;
  const columns = Math.max(0, T - 1);
  const dims = [B, columns] as const;
  const input = new Int32Array(B * columns);
  const labels = new Int32Array(B * columns).fill(IGNORED);
  for (let b = 0; b < B; b++) {
    const row = ids.data.subarray(b * T, (b + 1) * T);
    input.set(row.subarray(0, columns), b * columns);
    labels.set(row.subarray(1, Math.max(1, lengths[b] as number)), b * columns);
  }
  const shorter = lengths.map((length) => Math.max(0, length - 1));
  return { input: { ids: { type: 'int32', dims, data: input }, lengths: shorter }, labels: { type: 'int32', dims, data: labels } };
}
