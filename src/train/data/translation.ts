/**
 * Pairs of sentences as examples for a translation model: token ids with the special tokens around them, in one
 * direction or in several. All examples are encoded when the dataset is made, and kept in one array.
 */
import { checkOptions, HeedError } from '../../errors.js';
import { type Padded, pad } from './collate.js';
import type { Dataset } from './dataset.js';

/** Tokenizer as the dataset needs it, for example one of heed's. */
export interface PairTokenizer {
  /** Returns a text's token ids, without special tokens. */
  encode(
    text: string,
    options: {
      /** The dataset adds its own special tokens. */
      add_special_tokens: false;
    },
  ): ArrayLike<number>;
  /** Returns the id of a token; undefined for a token that is not in the vocabulary. */
  token_to_id(token: string): number | undefined;
}

/** Direction of a translation, by numbers of columns. */
export interface Direction {
  /** Column of the source. */
  from: number;
  /** Column of the translation. */
  to: number;
  /** Token before the source that asks for the target's language. */
  prefix?: string | undefined;
}

/** Options of TranslationDataset.from. */
export interface TranslationOptions {
  /** Directions, for each of which a pair makes an example. Default one, from 0 to 1. */
  directions?: readonly Direction[] | undefined;
  /** Token before a target. Default '<s>'. */
  begin?: string | undefined;
  /** Token after sources and targets. Default '</s>'. */
  end?: string | undefined;
  /** Examples with more tokens than this on a side, special ones included, are left out. Default no limit. */
  maxLength?: number | undefined;
}

/** Token ids: source `prefix text end`, target `begin text end`. */
export interface TranslationExample {
  /** Token ids of the source. */
  readonly source: Int32Array;
  /** Token ids of the translation. */
  readonly target: Int32Array;
}

/**
 * A batch for training with the right answers as input: the decoder reads `input`, a target without its last token, and is to
 * answer with `labels`, the target without its first.
 */
export interface TranslationBatch {
  /** [B, S] */
  readonly source: Padded;
  /** [B, T] */
  readonly input: Padded;
  /** [B, T] */
  readonly labels: Padded;
}

/**
 * Pairs of sentences as examples, encoded once and kept in one array: token ids with special tokens around them, in one direction or in
 * several.
 * @example
 * ```js
 * const file = engine.runtime.open('pairs.tsv');
 * const data = await TranslationDataset.from(readTsv(file), tokenizer, { directions: [{ from: 0, to: 1, prefix: '<2zh>' }] });
 * ```
 */
export class TranslationDataset implements Dataset<TranslationExample> {
  // ids      … <2zh> english </s> <s> chinese </s> …        example i: its source begins at starts[2 i], its target at
  //            ^ starts[2 i]      ^ starts[2 i + 1] ^ …      starts[2 i + 1] and ends where the next source begins
  private constructor(
    /** Token ids of all examples, concatenated. */
    readonly ids: Int32Array,
    /** Index in `ids` at which each source and each target begins, and at which the last target ends. */
    readonly starts: Int32Array,
    /** Number of examples that were left out for their length. */
    readonly leftOut: number,
  ) {}

  /**
   * Encodes pairs, from a list, or from a file as `readTsv` gives them; texts that no direction names are passed over.
   * Throws ARGUMENT for options that are not right, among them a token that the tokenizer does not have.
   */
  static async from(
    pairs: Iterable<readonly string[]> | AsyncIterable<readonly string[]>,
    tokenizer: PairTokenizer,
    options: TranslationOptions = {},
  ): Promise<TranslationDataset> {
    checkOptions(options, ['directions', 'begin', 'end', 'maxLength'], 'TranslationDataset');
    const { directions = [{ from: 0, to: 1 }], begin = '<s>', end = '</s>', maxLength = Number.POSITIVE_INFINITY } = options;
    const idOf = (token: string, culprit: string) => {
      const id = tokenizer.token_to_id(token);
      if (id === undefined) throw new HeedError('ARGUMENT', `the tokenizer has no token ${token}`, { culprit });
      return id;
    };
    const [beginId, endId] = [idOf(begin, 'begin'), idOf(end, 'end')];
    const ways = directions.map(({ prefix, ...way }) => ({ ...way, before: prefix === undefined ? [] : [idOf(prefix, 'directions')] }));
    const ids = new IdList();
    const starts: number[] = [];
    let [count, leftOut] = [0, 0];
    for await (const pair of pairs) {
      const encoded = new Map<number, ArrayLike<number>>();
      const encode = (column: number) => {
        const text = pair[column];
        if (typeof text !== 'string')
          throw new HeedError('ARGUMENT', `pair ${count} has no text ${column}`, { culprit: 'pairs', cure: 'Check `directions`' });
        const tokens = encoded.get(column) ?? tokenizer.encode(text, { add_special_tokens: false });
        encoded.set(column, tokens);
        return tokens;
      };
      for (const { from, to, before } of ways) {
        const [source, target] = [encode(from), encode(to)];
        if (Math.max(before.length + source.length + 1, target.length + 2) > maxLength) {
          leftOut++;
          continue;
        }
        starts.push(ids.length);
        ids.push(before, source, [endId]);
        starts.push(ids.length);
        ids.push([beginId], target, [endId]);
      }
      count++;
    }
    starts.push(ids.length);
    return new TranslationDataset(ids.take(), Int32Array.from(starts), leftOut);
  }

  /** Number of examples: one for each pair and direction that was not left out. */
  get length(): number {
    return (this.starts.length - 1) / 2;
  }

  get(i: number): TranslationExample {
    const [start, middle, end] = this.starts.subarray(2 * i, 2 * i + 3) as unknown as [number, number, number];
    return { source: this.ids.subarray(start, middle), target: this.ids.subarray(middle, end) };
  }

  /** Number of tokens of an example on both sides, by which batches are bucketed. */
  static lengthOf({ source, target }: TranslationExample): number {
    return source.length + target.length;
  }

  /** Makes a DataLoader's `collate`, for a vocabulary whose padding has this id. */
  static collate(padId: number): (examples: readonly TranslationExample[]) => TranslationBatch {
    return (examples) => ({
      source: pad(
        examples.map(({ source }) => source),
        padId,
      ),
      input: pad(
        examples.map(({ target }) => target.subarray(0, -1)),
        padId,
      ),
      labels: pad(
        examples.map(({ target }) => target.subarray(1)),
        padId,
      ),
    });
  }
}

/** Ids in an array that doubles as it fills: a list of numbers would take twice the memory, and a copy in the end. */
class IdList {
  #data = new Int32Array(1 << 12);
  length = 0;

  push(...runs: readonly ArrayLike<number>[]): void {
    for (const run of runs) {
      while (this.length + run.length > this.#data.length) {
        const larger = new Int32Array(2 * this.#data.length);
        larger.set(this.#data);
        this.#data = larger;
      }
      this.#data.set(run, this.length);
      this.length += run.length;
    }
  }

  take(): Int32Array {
    return this.#data.slice(0, this.length);
  }
}
