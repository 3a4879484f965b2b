/**
 * Details of a translation: the model's confidence, and its cross-attention. One sentence at a time, passed to the model as the translation pipeline passes it.
 */
import { exp, log } from '../math.js';
import type { HostTensor } from '../tensor.js';
import { Routes } from './languages.js';
import type { Translator } from './text2text.js';

/** A sentence's translation, and how sure the model is of it. */
export interface Look {
  translation: string;
  /** The mean log-probability of the translation's tokens, the end among them. */
  score: number;
}

/** Input of renderAttention. */
export interface Attended {
  source: string[];
  target: string[];
  attentions: { encoder: HostTensor[]; decoder: HostTensor[]; cross: HostTensor[] };
}

export interface LookOptions {
  /** The language of the texts, where it is told. */
  from?: string | undefined;
  to: string | undefined;
  beams: number | undefined;
  /** Tokens of the translation at most. Default: as the model has it. */
  most?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Writes a translation once; one forward over it tells the score, and the attentions where they are wanted. */
export async function look(translator: Translator, sentence: string, options: LookOptions): Promise<Look> {
  const { tokens, text, output } = await written(translator, sentence, options, false);
  return { translation: text, score: scoreOf(output.logits, tokens) };
}

/** A translation, and what the model attended to. */
export async function attend(
  translator: Translator,
  sentence: string,
  options: LookOptions,
): Promise<{ translation: string; attended: Attended }> {
  const { source, tokens, text, output } = await written(translator, sentence, options, true);
  const { encoder_attentions: encoder = [], decoder_attentions: decoder = [], cross_attentions: cross = [] } = output;
  const named = (ids: readonly number[]) => ids.map((id) => translator.tokenizer.id_to_token(id) ?? '');
  return { translation: text, attended: { source: named(source), target: named(tokens), attentions: { encoder, decoder, cross } } };
}

async function written(
  { model, tokenizer }: Translator,
  sentence: string,
  { from, to, beams, most, signal }: LookOptions,
  output_attentions: boolean,
) {
  const routes = new Routes(model.config, 'translation', tokenizer, model.generation_config);
  const { prefix, wishes, marked = (ids) => ids } = routes.of(sentence, { src_lang: from, tgt_lang: to });
  const source = marked(tokenizer.encode(prefix + sentence));
  const asked = { input_ids: [source], num_beams: beams, ...(most !== undefined && { max_new_tokens: most }), signal };
  const sequences = await model.generate(asked, { ...model.generation_config, ...wishes });
  const tokens = Array.from(sequences.data);
  const output = await model({ input_ids: [source], decoder_input_ids: [tokens] }, { output_attentions, signal });
  return { source, tokens, text: tokenizer.decode(tokens, { skip_special_tokens: true }), output };
}

/** logits [1, T, V], by which each but the first of T tokens was chosen. */
function scoreOf({ data, dims }: HostTensor, tokens: readonly number[]): number {
  const V = dims[2] as number;
  let sum = 0;
  for (let t = 1; t < tokens.length; t++) {
    const row = (data as Float32Array).subarray((t - 1) * V, t * V);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = row.reduce((all, logit) => all + exp(logit - most), 0);
    sum += (row[tokens[t] as number] as number) - most - log(total);
  }
  return sum / Math.max(1, tokens.length - 1);
}
