/** A run from its beginning: data, model, optimizer, and the trainer that holds them. Node (main.ts) and the page (worker.ts) drive it. */
import type { Engine } from 'heed';
import { AdamW, DataLoader, schedule, Trainer, type TranslationBatch, TranslationDataset, type TranslationExample } from 'heed/train';
import { Characters, PAD } from './characters.js';
import { makePairs, type Pair } from './data.js';
import { DateReader } from './model.js';
import { exactDates } from './objective.js';
import { Reader } from './reader.js';

export interface Run {
  trainer: Trainer<DateReader, TranslationBatch>;
  reader: Reader;
  /** Steps until the end: one pass through the data, unless asked for fewer. */
  steps: number;
  /** Dates that training does not see. */
  unseen: readonly Pair[];
}

export interface RunOptions {
  seed?: number | undefined;
  steps?: number | undefined;
}

export async function makeRun(engine: Engine, options: RunOptions = {}): Promise<Run> {
  const { seed = 1 } = options;
  const { seen, unseen } = makePairs(seed);
  const characters = new Characters(seen.map(([text, iso]) => text + iso));
  const dataset = (pairs: readonly Pair[]) => TranslationDataset.from(pairs, characters);
  const collate = TranslationDataset.collate(PAD);
  const bucketing = { length: TranslationDataset.lengthOf };
  const loader = new DataLoader<TranslationExample, TranslationBatch>(await dataset(seen), {
    batchSize: 128,
    shuffle: true,
    seed,
    bucketing,
    collate,
  });
  const validation = new DataLoader<TranslationExample, TranslationBatch>(await dataset(unseen.slice(0, 256)), { batchSize: 256, collate });

  const steps = options.steps ?? (loader.length as number);
  const model = new DateReader(engine, characters.tokens.length).init(seed);
  const optimizer = new AdamW(model.namedParameters(), { lr: 3e-3, betas: [0.9, 0.98] });
  const trainer = new Trainer(model, {
    ...{ objective: exactDates, optimizer, loader, validation, seed, clip: 1 },
    schedule: schedule('cosine', { warmup: Math.floor(steps / 12), steps }),
  });
  return { trainer, reader: new Reader(model, characters), steps, unseen };
}
