/** A run that is small enough to be had many times: a translator of a few thousand weights learns to write lists of letters backwards. */
import { createHash } from 'node:crypto';
import { createEngine, type Engine } from '../../dist/entry/node.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import {
  AdamW,
  DataLoader,
  Random,
  schedule,
  sequenceToSequence,
  Trainer,
  type TrainerOptions,
  type TranslationBatch,
  TranslationDataset,
  type TranslationExample,
} from '../../dist/train/index.js';

export const [PAD, BEGIN, END, FIRST, LETTERS] = [0, 1, 2, 3, 9];
const VOCABULARY = FIRST + LETTERS;

/** Lists of 2 to 7 letters, and the same backwards. */
export function examples(count: number, seed = 1): TranslationExample[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const letters = Array.from({ length: 2 + random.below(6) }, () => FIRST + random.below(LETTERS));
    return { source: Int32Array.from([...letters, END]), target: Int32Array.from([BEGIN, ...letters.toReversed(), END]) };
  });
}

export function digestOf(...arrays: readonly ArrayBufferView[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

export interface TinyOptions extends Partial<TrainerOptions<HeedTransformer, TranslationBatch>> {
  engine?: Engine;
  vocabulary?: number;
  dropout?: number;
  count?: number;
  batchSize?: number;
  labelSmoothing?: number;
  lr?: number;
}

export const loaderOf = (data: readonly TranslationExample[], batchSize = 8) =>
  new DataLoader(data, {
    ...{ batchSize, shuffle: true, seed: 5, bucketing: { length: TranslationDataset.lengthOf, batches: 4 } },
    collate: TranslationDataset.collate(PAD),
  });

/** With dropout, accumulation, shuffling and bucketing, unless told otherwise. */
export async function tiny({ engine, vocabulary = VOCABULARY, dropout = 0.1, count = 100, ...options }: TinyOptions = {}) {
  const { batchSize, labelSmoothing = 0.1, lr = 3e-3, ...more } = options;
  const own = engine ?? (await createEngine({ threads: 1, deterministic: true }));
  const sizes = { d_model: 16, num_heads: 2, encoder_layers: 1, decoder_layers: 1, ffn_dim: 32 };
  const model = new HeedTransformer(own, { ...sizes, vocab_size: vocabulary, pad_token_id: PAD, dropout }).init(7);
  const optimizer = new AdamW(model.namedParameters(), { lr });
  const trainer = new Trainer(model, {
    ...{ objective: sequenceToSequence({ pad: PAD, labelSmoothing }), optimizer, schedule: schedule('cosine', { warmup: 5, steps: 60 }) },
    ...{ loader: loaderOf(examples(count), batchSize), seed: 3, clip: 1, accumulate: 2, onWarning: () => {} },
    ...more,
  });
  /** All parameters in short: whole arrays that differ take vitest minutes to print. */
  const bits = () => digestOf(...Object.values(model.stateDict()).map(({ data }) => data));
  return { engine: own, model, optimizer, trainer, bits };
}

/** A run in a folder that writes checkpoints as often as it can, to be killed at any moment: dropout, accumulation, bucketing, shuffling, early stopping. */
export async function killable(folder: string, engine?: Engine) {
  const made = await tiny({ ...(engine && { engine }), validation: loaderOf(examples(16, 2)) });
  const checkpoint = { folder, every: 1, keep: 2 };
  return { ...made, fit: { steps: 16, evaluateEvery: 5, earlyStopping: { patience: 100 }, checkpoint } };
}
