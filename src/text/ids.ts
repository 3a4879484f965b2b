/** Token ids as programs give them to be decoded, and how they are. */

/** Options of a tokenizer's `decode` and `batch_decode`. */
export interface DecodeOptions {
  /** `true` to leave out special tokens, for example [CLS]. Default false. */
  skip_special_tokens?: boolean | undefined;
  /** Takes away spaces before punctuation. Default as tokenizer_config.json says. */
  clean_up_tokenization_spaces?: boolean | undefined;
}

export const decodeOptions = ['skip_special_tokens', 'clean_up_tokenization_spaces'];

/** Token ids, as models give and take them. */
export type IdTensor = {
  /** Row by row. */
  readonly data: Iterable<number | bigint>;
  /** [T] or [B, T] */
  readonly dims: readonly number[];
};

/** A tensor's rows; undefined for what is none. */
export function rowsOf(ids: unknown): (number | bigint)[][] | undefined {
  const { data, dims } = Object(ids) as Partial<IdTensor>;
  if (!data || !dims) return undefined;
  const all = Array.from(data);
  const length = dims.at(-1) || 1;
  return all.flatMap((_, i) => (i % length ? [] : [all.slice(i, i + length)]));
}
