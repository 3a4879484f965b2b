/**
 * Batches of examples, epoch by epoch, with the options of PyTorch's DataLoader and length bucketing. The batches of an epoch are
 * a function of the options, the seed and the epoch's number, so that an interrupted run continues at any batch of any
 * epoch with the batches that it would have had.
 */
import { checkOptions, HeedError } from '../../errors.js';
import { Random } from '../../random.js';
import { type Data, type Dataset, open, type Stream, sourceOf } from './dataset.js';
import { batchesOf, randomSampler, type Sampler, sequentialSampler } from './sampler.js';

/** Settings by which examples of similar length are put into the same batches. */
export interface Bucketing<T> {
  /** Length of an example; called once for each. Padding is least where all examples of a batch have the same length. */
  length(example: T): number;
  /** Number of batches that are sorted together: the more, the less padding, and the less randomness. Default 50. */
  batches?: number | undefined;
}

/** Options of DataLoader. */
export interface DataLoaderOptions<T, B> {
  /** Number of examples of a batch. Default 1. */
  batchSize?: number | undefined;
  /** `true` for another order of the examples in every epoch. Default false. */
  shuffle?: boolean | undefined;
  /** Number of examples of a stream that are held, of which one is drawn at a time. Required to shuffle a stream. */
  shuffleBuffer?: number | undefined;
  /** Seed of everything random, a whole number. Default 0. */
  seed?: number | undefined;
  /** Leaves the last batch of an epoch out where it is not full. Default false. */
  dropLast?: boolean | undefined;
  /** Draws the examples of an epoch, instead of `shuffle`. Of datasets only. */
  sampler?: Sampler | undefined;
  /**
   * Brings examples of like length together: the order is cut into chunks of `batches` batches, each chunk is sorted by length and cut into
   * batches, and with `shuffle` or `sampler` all batches of the epoch are shuffled. Of datasets only.
   */
  bucketing?: Bucketing<T> | undefined;
  /** Makes a batch of examples, or a promise of one. Default a list of them. */
  collate?: ((examples: readonly T[]) => B | Promise<B>) | undefined;
}

/** Options of `loader.epoch`. */
export interface EpochOptions {
  /** Number of the first batch; the examples of earlier batches are not even read from a dataset. Default 0. */
  from?: number | undefined;
}

const known = ['batchSize', 'shuffle', 'shuffleBuffer', 'seed', 'dropLast', 'sampler', 'bucketing', 'collate'];

/**
 * `for await (const batch of loader)` goes through an epoch, and the next time through the next one; `loader.epoch(e)` through epoch e.
 * @example const loader = new DataLoader(dataset, { batchSize: 96, shuffle: true, bucketing: { length: TranslationDataset.lengthOf } });
 */
export class DataLoader<T, B = readonly T[]> implements AsyncIterable<B> {
  /** Examples in a batch. */
  readonly batchSize: number;
  readonly #dataset: Dataset<T> | undefined;
  readonly #stream: Stream<T> | undefined;
  readonly #options: DataLoaderOptions<T, B>;
  readonly #collate: (examples: readonly T[]) => B | Promise<B>;
  readonly #seed: number;
  #lengths: Float64Array | undefined;
  #next = 0;
  #opened = false;

  /** Throws ARGUMENT for options that are invalid or contradict each other, UNSUPPORTED for those that a stream cannot have. */
  constructor(data: Data<T>, options: DataLoaderOptions<T, B> = {}) {
    checkOptions(options, known, 'DataLoader');
    checkSizes({ batchSize: options.batchSize, shuffleBuffer: options.shuffleBuffer, 'bucketing.batches': options.bucketing?.batches });
    const source = sourceOf(data);
    if ('dataset' in source) {
      this.#dataset = source.dataset;
      if (options.shuffle && options.sampler)
        throw wrong('sampler', 'shuffle and sampler are both given', 'Leave out shuffle: a sampler decides on the order');
    } else {
      this.#stream = source.stream;
      for (const name of ['sampler', 'bucketing'] as const)
        if (options[name])
          throw new HeedError('UNSUPPORTED', `a stream cannot have a ${name}`, {
            culprit: name,
            cure: 'Read it into a list first',
          });
      if (options.shuffle && !options.shuffleBuffer)
        throw wrong('shuffleBuffer', 'a stream cannot be shuffled as a whole', 'Set shuffleBuffer to as many examples as memory may hold');
    }
    this.#options = options;
    this.batchSize = options.batchSize ?? 1;
    // Without a collate, B has its default type.
    this.#collate = options.collate ?? ((examples) => examples as B);
    this.#seed = options.seed ?? 0;
    // Throws for an invalid seed.
    new Random(this.#seed);
  }

  /** Number of batches of an epoch; undefined for a stream. */
  get length(): number | undefined {
    if (!this.#dataset) return undefined;
    const batches = (this.#options.sampler?.length ?? this.#dataset.length) / this.batchSize;
    return this.#options.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Yields the batches of an epoch, a whole number from 0. Epochs may be read in any order, and at the same time. */
  epoch(epoch: number, { from = 0 }: EpochOptions = {}): AsyncGenerator<B, void, undefined> {
    if (!(Number.isInteger(epoch) && epoch >= 0)) throw wrong('epoch', `there is no epoch ${epoch}`, 'Epochs are whole numbers from 0');
    const most = this.length ?? Number.MAX_SAFE_INTEGER;
    if (!(Number.isInteger(from) && from >= 0 && from <= most))
      throw wrong('from', `an epoch cannot begin at batch ${from}`, `Give a whole number from 0 to ${most}`);
    return this.#dataset ? this.#fromDataset(this.#dataset, epoch, from) : this.#fromStream(epoch, from);
  }

  /** Yields the batches of the next epoch. */
  [Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    return this.epoch(this.#next++);
  }

  /** Returns the numbers of the examples in each batch of an epoch. Throws UNSUPPORTED for a stream. */
  plan(epoch: number): readonly Int32Array[] {
    if (this.#dataset) return this.#plan(this.#dataset, epoch);
    throw new HeedError('UNSUPPORTED', 'nobody knows what is in a stream before it is read', { culprit: 'data' });
  }

  #plan(dataset: Dataset<T>, epoch: number): Int32Array[] {
    const { shuffle = false, sampler, dropLast = false, bucketing } = this.#options;
    const random = new Random(this.#seed, epoch);
    const order = (sampler ?? (shuffle ? randomSampler : sequentialSampler)(dataset.length)).draw(random);
    const stranger = order.find((i) => i < 0 || i >= dataset.length);
    if (stranger !== undefined)
      throw wrong('sampler', `the sampler draws example ${stranger} of ${dataset.length}`, 'It must know how many there are');
    const lengths = bucketing && this.#lengthsOf(dataset, bucketing);
    return batchesOf(
      order,
      {
        batchSize: this.batchSize,
        dropLast,
        bucketing: lengths && { lengths, batches: bucketing?.batches ?? 50, shuffle: shuffle || sampler !== undefined },
      },
      random,
    );
  }

  #lengthsOf(dataset: Dataset<T>, { length }: Bucketing<T>): Float64Array {
    this.#lengths ??= Float64Array.from({ length: dataset.length }, (_, i) => length(dataset.get(i)));
    return this.#lengths;
  }

  async *#fromDataset(dataset: Dataset<T>, epoch: number, from: number): AsyncGenerator<B, void, undefined> {
    for (const batch of this.#plan(dataset, epoch).slice(from)) yield this.#collate(Array.from(batch, (i) => dataset.get(i)));
  }

  async *#fromStream(epoch: number, from: number): AsyncGenerator<B, void, undefined> {
    const { shuffle, shuffleBuffer = 0, dropLast } = this.#options;
    const first = !this.#opened;
    this.#opened = true;
    const examples = open(this.#stream as Stream<T>, first);
    const random = new Random(this.#seed, epoch);
    let batch: T[] = [];
    let number = 0;
    for await (const example of shuffle ? mixed(examples, shuffleBuffer, random) : examples) {
      if (batch.push(example) < this.batchSize) continue;
      if (number++ >= from) yield this.#collate(batch);
      batch = [];
    }
    if (batch.length && !dropLast && number >= from) yield this.#collate(batch);
  }
}

/** A stream in another order: of the `size` examples that are held, one drawn at random makes room for the next. */
async function* mixed<T>(examples: AsyncIterable<T>, size: number, random: Random): AsyncGenerator<T, void, undefined> {
  const held: T[] = [];
  for await (const example of examples) {
    if (held.length < size) {
      held.push(example);
      continue;
    }
    const at = random.below(size);
    const drawn = held[at] as T;
    held[at] = example;
    yield drawn;
  }
  yield* random.shuffle(held);
}

function checkSizes(sizes: Readonly<Record<string, number | undefined>>): void {
  for (const [name, size] of Object.entries(sizes))
    if (size !== undefined && !(Number.isInteger(size) && size >= 1))
      throw wrong(name, `${name} is ${size}`, 'It must be a whole number from 1');
}

const wrong = (culprit: string, what: string, cure: string) => new HeedError('ARGUMENT', what, { culprit, cure });
