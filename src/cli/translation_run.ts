/** The start of a run of translation_recipe.ts: the model's configuration, and the trainer's state. */
import type { Engine } from '../engine/engine.js';
import { HeedError } from '../errors.js';
import { HeedTransformer, type HeedTransformerConfig } from '../models/heed_transformer.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { AdamW, DataLoader, schedule, sequenceToSequence, Trainer, type TranslationBatch, TranslationDataset } from '../train/index.js';
import { asTyped } from './careless.js';
import { directions, languages, type Pair, type Settings, special, typedDirections } from './translation_recipe.js';

/** The model's config.json: its sizes and its tokens. */
export function configOf(
  tokenizer: CallableTokenizer,
  vocabulary: number,
  { dModel, heads, layers, decoderLayers, feedForward, dropout }: Settings,
) {
  const idOf = (token: string) => {
    const id = tokenizer.token_to_id(token);
    if (id !== undefined) return id;
    throw new HeedError('ARGUMENT', `The tokenizer has no token ${token}`, { culprit: '--tokenizer', cure: 'The recipe needs it' });
  };
  return {
    model_type: 'heed-transformer',
    is_encoder_decoder: true,
    ...{ vocab_size: vocabulary, d_model: dModel, num_heads: heads },
    ...{ encoder_layers: layers, decoder_layers: decoderLayers || layers, ffn_dim: feedForward, dropout },
    ...{ pad_token_id: idOf(special.pad), bos_token_id: idOf(special.bos), eos_token_id: idOf(special.eos) },
    decoder_start_token_id: idOf(special.bos),
    task_specific_params: Object.fromEntries(
      directions.map(({ from, to, prefix }) => [`translation_${languages[from].name}_to_${languages[to].name}`, { prefix }]),
    ),
  } satisfies HeedTransformerConfig & Record<string, unknown>;
}

export interface TranslationRun {
  model: HeedTransformer;
  trainer: Trainer<HeedTransformer, TranslationBatch>;
  train: TranslationDataset;
  validation: TranslationDataset;
}

export interface RunParts {
  tokenizer: CallableTokenizer;
  config: HeedTransformerConfig;
  pairs: { train: readonly Pair[]; validation: readonly Pair[] };
  chosen: Settings;
  onWarning(message: string): void;
}

/** A run at its beginning. */
export async function beginRun(engine: Engine, { tokenizer, config, pairs, chosen, onWarning }: RunParts): Promise<TranslationRun> {
  const { steps, batch, seed, warmup, learningRate, beta1, beta2, epsilon, weightDecay, clip, labelSmoothing, cooldown } = chosen;
  const pad = config.pad_token_id;
  const dataset = (some: readonly Pair[]) =>
    TranslationDataset.from(some, tokenizer, {
      directions: some[0]?.length === 4 ? typedDirections : directions,
      maxLength: chosen.maxTokens,
    });
  const [train, validation] = [await dataset(asTyped(pairs.train, chosen)), await dataset(pairs.validation)];
  for (const [name, { length }] of Object.entries({ train, validation }))
    if (length === 0)
      throw new HeedError('ARGUMENT', `No pair for ${name} has at most ${chosen.maxTokens} tokens on each side`, {
        culprit: '--max-tokens',
        cure: 'Allow more with --max-tokens, or give shorter sentences',
      });
  const shared = { batchSize: batch, collate: TranslationDataset.collate(pad) };
  const length = TranslationDataset.lengthOf;
  const loader = new DataLoader(train, { ...shared, shuffle: true, seed, bucketing: { length, batches: chosen.bucket } });
  // Sorted as a whole: nothing of it is random, and little is padding.
  const ordered = new DataLoader(validation, { ...shared, bucketing: { length, batches: Math.max(1, validation.length) } });
  const model = new HeedTransformer(engine, config).init(seed);
  const adam = { lr: learningRate, betas: [beta1, beta2] as const, eps: epsilon, weightDecay };
  const trainer = new Trainer(model, {
    objective: sequenceToSequence({ pad, labelSmoothing }),
    optimizer: new AdamW(model.namedParameters(), adam),
    schedule: cooldown ? schedule('stable', { warmup, steps, cooldown }) : schedule('cosine', { warmup, steps }),
    ...{ loader, validation: ordered, seed, clip, onWarning },
  });
  return { model, trainer, train, validation };
}
