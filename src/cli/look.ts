/**
 * What `heed translate` shows beside a translation: how sure the model is of it, and what it attended to. One sentence at a time, put to the model as the
 * translation pipeline puts it.
 */
import type { Translator } from '../core.js';
import { exp, log } from '../math.js';
import { Routes } from '../pipelines/languages.js';
import type { HostTensor } from '../tensor.js';

export interface Look {
  translation: string;
  /** The mean log-probability of the translation's tokens, the end among them. */
  score: number;
  /** What renderAttention takes. */
  attended: {
    source: string[];
    target: string[];
    attentions: { encoder: HostTensor[]; decoder: HostTensor[]; cross: HostTensor[] };
  };
}

export interface LookOptions {
  to: string | undefined;
  beams: number | undefined;
}

export async function look({ model, tokenizer }: Translator, sentence: string, { to, beams }: LookOptions): Promise<Look> {
  const { prefix, wishes } = new Routes(model.config, 'translation').of(sentence, { tgt_lang: to });
  const source = tokenizer.encode(prefix + sentence);
  const options = { num_beams: beams, output_attentions: true, return_dict_in_generate: true } as const;
  const output = await model.generate({ input_ids: [source], ...options }, { ...model.generation_config, ...wishes });
  const { encoder_attentions: encoder = [], decoder_attentions: decoder = [], cross_attentions: cross = [] } = output;
  const target = Array.from(output.sequences.data);
  const { logits } = await model({ input_ids: [source], decoder_input_ids: [target] });
  const tokens = (ids: readonly number[]) => ids.map((id) => tokenizer.id_to_token(id) ?? '');
  return {
    translation: tokenizer.decode(target, { skip_special_tokens: true }),
    score: scoreOf(logits, target),
    attended: { source: tokens(source), target: tokens(target), attentions: { encoder, decoder, cross } },
  };
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
