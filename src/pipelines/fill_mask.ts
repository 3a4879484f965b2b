/** pipeline('fill-mask'): predicts tokens for the mask token of a text, in transformers.js's shapes. Only masked places are scored. */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { TopK } from '../generation/top_k.js';
import type { Folder } from '../io/folder.js';
import { callable } from '../models/callable.js';
import type { EncoderOutputs } from '../models/encoder.js';
import { maxLengthOf } from '../models/inputs.js';
import type { PretrainedOptions } from '../models/options.js';
import { type MaskedLM, MaskedLMModel } from '../models/task_model.js';
import { narrow } from '../ops/shape.js';
import type { Tensor } from '../tensor.js';
import { eachOf, type RunOptions, runOptionNames, runRows } from './rows.js';
import { softmax } from './scores.js';
import type { Task } from './tasks.js';
import { checkCount, loadText, stringsOf, TextPipeline, textsOf } from './text.js';

/** Options of a call of fill-mask. */
export interface FillMaskOptions extends RunOptions {
  /** Number of tokens for each mask, the likeliest first. Default 5. */
  top_k?: number | undefined;
  /** The tokens to choose among: entries of the vocabulary, or texts that are one token. Their scores are still shares of the whole vocabulary. */
  targets?: string | readonly string[] | undefined;
  /** Tokens after which a text is cut. Default: the tokenizer's, or the model's positions. */
  max_length?: number | undefined;
}

/** A token for a mask. */
export interface FilledMask {
  /** Probability of the token. */
  score: number;
  /** Id of the token. */
  token: number;
  /** The token as text. */
  token_str: string;
  /** The text with it. Where there are several masks the others remain, and so do all special tokens. */
  sequence: string;
}

/** The tokens for a text's mask; a list of that for a list of texts. A text with several masks has such a list for each of them. */
export type FillMask = FillMaskPipeline & FillMaskPipeline['call'];

interface Row {
  ids: number[];
  /** Places of the masks. */
  masks: number[];
}

interface Guess {
  key: number;
  value: number;
}

/**
 * Tokens that may stand where a text has the mask token.
 * @example
 * ```js
 * const fill = await pipeline('fill-mask', 'google-bert/bert-base-uncased');
 * const [{ token_str, score }] = await fill('Paris is the [MASK] of France.', { top_k: 1 });
 * ```
 */
export class FillMaskPipeline extends TextPipeline<MaskedLM> {
  /** Loads a model's folder. Throws MODEL_MISMATCH for a tokenizer without a mask token. `pipeline` does it. */
  static async load(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<FillMask> {
    return loadText(MaskedLMModel, engine, from, options, (tokenizer, model) => {
      if (tokenizer.mask_token_id === undefined)
        throw new HeedError('MODEL_MISMATCH', `This model's tokenizer has no mask token`, { culprit: 'mask_token' });
      return callable(new FillMaskPipeline(tokenizer, model));
    });
  }

  /** Tokens for a text's mask, the likeliest first. Rejects with ARGUMENT for a text without a mask. */
  call(text: string, options?: FillMaskOptions): Promise<FilledMask[]>;
  /** Fills the masks of each text. */
  call(texts: readonly string[], options?: FillMaskOptions): Promise<FilledMask[][]>;
  async call(
    texts: string | readonly string[],
    options: FillMaskOptions = {},
  ): Promise<FilledMask[] | FilledMask[][] | (FilledMask[] | FilledMask[][])[]> {
    checkOptions(options, ['top_k', 'targets', 'max_length', ...runOptionNames], 'fill-mask');
    const { top_k = 5, targets, signal, onProgress } = options;
    checkCount('fill-mask', 'top_k', top_k);
    const { model, tokenizer } = this;
    const list = textsOf('fill-mask', texts, options);
    const among = targets === undefined ? undefined : stringsOf('fill-mask', 'targets', targets).map((target) => this.#target(target));
    if (among?.length === 0) throw new HeedError('ARGUMENT', 'fill-mask: targets is empty', { culprit: 'targets' });
    const max_length = maxLengthOf(options.max_length, tokenizer.model_max_length, model.encoder.dims.positions);
    const rows = await eachOf(model.engine, list, (text, index) => this.#row(text, index, max_length), signal);
    const read = ({ logits }: EncoderOutputs, batch: Row[]) => {
      let next = 0;
      // One mask at a time, since a vocabulary may have 250,000 entries.
      const guess = () => guesses(narrow(logits as Tensor, 0, next++, 1).toHost().data, among, top_k);
      return batch.map(({ masks }) => masks.map(guess));
    };
    const found = await runRows(model, rows, read, { places: ({ masks }) => masks, pad: tokenizer.pad_token_id, signal, onProgress });
    const results = rows.map((row, i) => this.#filled(row, found[i] as Guess[][]));
    return Array.isArray(texts) ? results : (results[0] as FilledMask[] | FilledMask[][]);
  }

  *#row(text: string, index: number, max_length: number): Generator<void, Row> {
    const { ids } = yield* this.tokenizer.rowSteps(text, { truncation: true, max_length });
    const masks = [...ids.keys()].filter((t) => ids[t] === this.tokenizer.mask_token_id);
    if (masks.length) return { ids, masks };
    const mask = this.tokenizer.id_to_token(this.tokenizer.mask_token_id as number);
    const cure = `Put ${mask} into it, within the first ${max_length} tokens`;
    throw new HeedError('ARGUMENT', `fill-mask: text ${index} has no mask token`, { culprit: 'texts', cure });
  }

  #target(target: string): number {
    const known = this.tokenizer.token_to_id(target);
    if (known !== undefined) return known;
    const ids = this.tokenizer.encode(target, { add_special_tokens: false });
    if (ids.length === 1) return ids[0] as number;
    const cure = 'A mask stands for one token of the vocabulary';
    throw new HeedError('ARGUMENT', `fill-mask: the target ${kindOf(target)} is ${ids.length} tokens`, { culprit: 'targets', cure });
  }

  #filled({ ids, masks }: Row, guesses: readonly Guess[][]): FilledMask[] | FilledMask[][] {
    const alone = masks.length === 1;
    const all = masks.map((place, i) =>
      (guesses[i] as Guess[]).map(({ key: token, value: score }) => ({
        score,
        token,
        token_str: this.tokenizer.decode([token]),
        sequence: this.tokenizer.decode(
          ids.map((id, t) => (t === place ? token : id)),
          { skip_special_tokens: alone },
        ),
      })),
    );
    return alone ? (all[0] as FilledMask[]) : all;
  }
}

/** The most probable tokens, among all or the given ones. */
function guesses(logits: ArrayLike<number>, among: readonly number[] | undefined, k: number): Guess[] {
  const scores = softmax(logits);
  const top = new TopK(k);
  if (among) for (const token of new Set(among)) top.add(scores.subarray(token, token + 1), 0, token);
  else top.add(scores);
  return [...top.best()];
}

/** Task for `registerTask`. */
export const fillMask: Task<'fill-mask'> = {
  name: 'fill-mask',
  model: 'distilbert/distilroberta-base@fb53ab8802853c8e4fbdbcd0529f21fc6f459b2b',
  load: ((...given) => FillMaskPipeline.load(...given)) as typeof FillMaskPipeline.load,
};
