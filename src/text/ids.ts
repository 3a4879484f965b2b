/** Token ids as programs give them to be decoded, and how they are. */
import { checkKnown, wrong } from './batch.js';

/** Options of a tokenizer's `decode` and `batch_decode`. */
export interface DecodeOptions {
  /** `true` to leave out special tokens, for example [CLS]. Default false. */
  skip_special_tokens?: boolean | undefined;
  /** `true` to remove spaces before punctuation. Default as tokenizer_config.json says. */
  clean_up_tokenization_spaces?: boolean | undefined;
  /** `true` to show timestamps, <|0.00|>, of tokenizers that have <|notimestamps|>: Whisper's. Default false. */
  decode_with_timestamps?: boolean | undefined;
}

const decodeOptions = ['skip_special_tokens', 'clean_up_tokenization_spaces', 'decode_with_timestamps'] as const;

/** Options of a decode, `cleansUp` being the tokenizer's way. Throws for others, and ARGUMENT for what is neither true nor false. */
export function flagsOf(options: DecodeOptions, cleansUp: boolean): { skips: boolean; shows: boolean; cleansUp: boolean } {
  checkKnown(options, decodeOptions);
  const absent = { clean_up_tokenization_spaces: cleansUp };
  const [skips, cleans, shows] = decodeOptions.map((name) => {
    const flag = options[name] ?? absent[name as keyof typeof absent] ?? false;
    if (typeof flag !== 'boolean') throw wrong(name, 'true or false', flag);
    return flag;
  }) as [boolean, boolean, boolean];
  return { skips, shows, cleansUp: cleans };
}

/** Token ids, as models give and take them. */
export type IdTensor = {
  /** Row by row. */
  readonly data: Iterable<number | bigint>;
  /** [T] or [B, T] */
  readonly dims: readonly number[];
};

/** Rows of a tensor; undefined for a value that is no tensor. */
export function rowsOf(ids: unknown): (number | bigint)[][] | undefined {
  const { data, dims } = Object(ids) as Partial<IdTensor>;
  if (!data || !dims) return undefined;
  const all = Array.from(data);
  const length = dims.at(-1) || 1;
  return all.flatMap((_, i) => (i % length ? [] : [all.slice(i, i + length)]));
}
