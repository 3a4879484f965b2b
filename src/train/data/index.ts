/** Training data: files into examples, examples into batches. */
export { type Padded, pad } from './collate.js';
export type { Data, Dataset, Stream } from './dataset.js';
export { type Bucketing, DataLoader, type DataLoaderOptions, type EpochOptions } from './loader.js';
export { Random } from './random.js';
export { type LineOptions, readJsonLines, readLines, readTsv, type Source, type TsvOptions, textStream } from './readers.js';
export { classWeights, type Sampler, WeightedRandomSampler } from './sampler.js';
export {
  type Direction,
  type PairTokenizer,
  type TranslationBatch,
  TranslationDataset,
  type TranslationExample,
  type TranslationOptions,
} from './translation.js';
