/**
 * Free generation of a model in training: `generate` for the batches of an evaluation, for BLEU and chrF. The decoder starts
 * with the token that the targets start with, and ends with the token that they end with.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { checkGenerationValues, type GenerationConfig } from '../generation/config.js';
import { Seq2SeqModel } from '../generation/seq2seq.js';
import { EncoderDecoder } from '../models/encoder_decoder.js';
import type { Padded } from './data/collate.js';
import type { TranslationBatch } from './data/translation.js';
import type { BleuTokenizer } from './metrics/tokenize.js';
import type { Decoding } from './objective.js';

/** Decoder of ids into texts, for example one of heed's tokenizers. */
export interface TextDecoder {
  /** Returns the texts of rows of token ids. */
  batch_decode(
    rows: readonly (readonly number[])[],
    options: {
      /** `true` to leave special tokens out. */
      skip_special_tokens: boolean;
    },
  ): string[];
}

/** Options of generating. */
export interface GeneratingOptions {
  /** Tokenizer that made the data. */
  tokenizer: TextDecoder;
  /** `generate`'s options. Default: greedy, with at most 128 new tokens; a loaded model's own are its `generation_config`. */
  generation?: GenerationConfig | undefined;
  /** Tokenizer of BLEU, which cuts texts into words. Default '13a'. */
  tokenize?: BleuTokenizer | undefined;
}

const MOST_NEW_TOKENS = 128;

/**
 * For models that AutoModelForSeq2SeqLM loads, by their `module`, and HeedTransformer. References are the labels' texts, as the tokenizer decodes them.
 * @example sequenceToSequence({ pad: 0, decoding: generating({ tokenizer, generation: { num_beams: 4 } }) })
 */
export function generating<Model>(options: GeneratingOptions): Decoding<Model, TranslationBatch> {
  checkOptions(options, ['tokenizer', 'generation', 'tokenize'], 'generating');
  const { tokenizer, generation = {}, tokenize } = options;
  if (typeof tokenizer?.batch_decode !== 'function')
    throw wrong('ARGUMENT', 'tokenizer', tokenizer, 'Give the one that made the data: await AutoTokenizer.from_pretrained(…)');
  checkGenerationValues(generation);
  if ((generation.num_return_sequences ?? 1) !== 1)
    throw wrong('ARGUMENT', 'num_return_sequences', generation.num_return_sequences, 'One text is scored');
  const textsOf = (rows: readonly (readonly number[])[]) => tokenizer.batch_decode(rows, { skip_special_tokens: true });
  return {
    tokenize,
    references: ({ labels }) => textsOf(rowsOf(labels)),
    async translate(model, { source, input, labels }, { signal }) {
      if (!(model instanceof EncoderDecoder))
        throw wrong('UNSUPPORTED', 'model', model, "Give AutoModelForSeq2SeqLM's module, a HeedTransformer, or a `decoding` of your own");
      const writer = new Seq2SeqModel(model.engine, {}, {}, model);
      const sources = rowsOf(source);
      const starts = rowsOf(input).map(([first]) => first as number);
      const ends = [...new Set(rowsOf(labels).map((row) => row.at(-1) as number))];
      const limited = generation.max_length !== undefined || generation.max_new_tokens !== undefined;
      const most = limited ? {} : { max_new_tokens: Math.min(MOST_NEW_TOKENS, model.dims.positions - 1) };
      const texts: string[] = [];
      // Targets of several languages may start with a token each.
      for (const start of new Set(starts)) {
        const chosen = starts.flatMap((own, row) => (own === start ? [row] : []));
        const own = { decoder_start_token_id: start, eos_token_id: ends, pad_token_id: ends[0], ...most, ...generation };
        const written = await writer.generate({ ...filled(chosen.map((row) => sources[row] as number[])), ...own, signal });
        const rows = ('sequences' in written ? written.sequences : written).tolist() as number[][];
        for (const [i, text] of textsOf(rows).entries()) texts[chosen[i] as number] = text;
      }
      return texts;
    },
  };
}

/** Returns the rows without their padding. */
function rowsOf({ ids: { data, dims }, lengths }: Padded): number[][] {
  return Array.from(lengths, (length, row) => Array.from(data.subarray(row * dims[1], row * dims[1] + length)));
}

/** Rows side by side, as `generate` takes them. */
function filled(rows: readonly (readonly number[])[]) {
  const width = rows.reduce((most, { length }) => Math.max(most, length), 0);
  const fill = (row: readonly number[], rest: number) => [...row, ...Array<number>(width - row.length).fill(rest)];
  return {
    input_ids: rows.map((row) => fill(row, 0)),
    attention_mask: rows.map((row) =>
      fill(
        row.map(() => 1),
        0,
      ),
    ),
  };
}

const wrong = (code: 'ARGUMENT' | 'UNSUPPORTED', culprit: string, value: unknown, cure: string) =>
  new HeedError(code, `generating: ${culprit} is ${kindOf(value)}`, { culprit, cure });
