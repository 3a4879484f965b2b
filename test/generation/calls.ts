/** Calls of `generate` for tests of how several go side by side: tiny models, what a call tells, and its bits. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM, type Engine, type HostTensor } from 'heed';

export const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

export interface Told {
  sequences: HostTensor;
  logits?: HostTensor[];
  scores?: HostTensor[];
}
export interface Writer {
  generate(options: object): Promise<unknown>;
  dispose(): void;
}

/** A call that tells of all it can. */
export const tell = (model: Writer, options: object) =>
  model.generate({ ...options, return_dict_in_generate: true, output_logits: true, output_scores: true }) as Promise<Told>;
/** A call's tokens, and the bits of its scores. */
export const bitsOf = ({ sequences, logits = [], scores = [] }: Told) => ({
  tokens: sequences.tolist(),
  bits: [...logits, ...scores].map(({ data }) => Buffer.from((data as Float32Array).slice().buffer).toString('base64')),
});
/** A streamer that calls `hear` with the number of tokens so far, those of the prompt not counted. */
export const listener = (hear: (count: number) => void) => {
  let count = -1;
  return { put: () => hear(++count), end: () => {} };
};
export const never = { eos_token_id: 96 };

export const llama = (engine: Engine) => AutoModelForCausalLM.from_pretrained(fixture('causal/llama'), { engine });
/** The same with room for long texts. */
export const long = (engine: Engine, config = {}) => {
  const own = JSON.parse(readFileSync(`${fixture('causal/llama')}/config.json`, 'utf8'));
  const text = JSON.stringify({ ...own, max_position_embeddings: 2048, ...config });
  const files = {
    'config.json': new TextEncoder().encode(text),
    'model.safetensors': readFileSync(`${fixture('causal/llama')}/model.safetensors`),
  };
  return AutoModelForCausalLM.from_pretrained(files, { engine });
};
export const bart = (engine: Engine) => AutoModelForSeq2SeqLM.from_pretrained(fixture('hf/bart'), { engine });
