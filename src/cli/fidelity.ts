/** How near a model in 8 bits, or in 4, is to the one in floats that it was made of: both read the same texts. */
import type { Engine } from '../engine/engine.js';
import { AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM } from '../entry/node.js';
import type { EncoderDecoderDims, EncoderDims } from '../models/architecture.js';
import { type ModelParts, partsFor } from '../models/parts.js';
import { cos_sim } from '../pipelines/similarity.js';
import { Random } from '../random.js';
import type { HostTensor } from '../tensor.js';
import { Tokenizer } from '../text/tokenizer.js';
import { perplexity } from '../train/metrics/tokens.js';
import { ifThere } from './files.js';

const texts = [
  'The committee will publish its report on the first of March.',
  'How do I cancel an order that has not been sent yet?',
  'Heavy rain kept the ferries in the harbour all day.',
  'She could not decide whether to laugh or to cry.',
  'Add the flour, stir, and let the dough rest for an hour.',
  'The engine failed twice during the test, once at full load.',
  'Prices rose by 3.4 % last year, more than wages did.',
  'My grandfather taught me to play chess when I was six.',
];

/** Tokens of a row where there is no tokenizer, and the most that are read of a text. */
const LENGTH = 24;
const MOST = 512;

export interface Fidelity {
  texts: number;
  /** The lowest cosine between what the two say of a text: the mean of last states, or a translator's scores of its tokens. */
  cosine: number;
  /** Of a language model: exp of the mean cross entropy of each token, in nats, given those before it in its text, and of how many. */
  perplexity?: { tokens: number; before: number; after: number };
}

/** Compares the two on the lines of a text, or on eight sentences. Without a tokenizer they read random tokens, and no perplexity is told. */
export async function fidelity(engine: Engine, parts: ModelParts, floats: string, eighths: string, text?: string): Promise<Fidelity> {
  const { folder, config, architecture } = parts;
  const { positions } = architecture.dims(config) as EncoderDims | EncoderDecoderDims;
  const tokenizer = await ifThere(Tokenizer.load(folder));
  const lines = text?.split(/\r?\n/).filter((line) => line.trim() !== '') ?? texts;
  const all = tokenizer ? lines.map((line) => tokenizer.encode(line)) : drawn(config.integer('vocab_size', 1 << 24, 2));
  const rows = all.map((row) => row.slice(0, Math.min(positions, MOST))).filter((row) => row.length > 0);
  const says = architecture.module.kind === 'encoder-decoder' ? translatorSays : encoderSays;
  const [one, other] = [await says(floats, rows, engine), await says(eighths, rows, engine)];
  const cosine = one.reduce((least, x, i) => Math.min(least, cos_sim(x, other[i] as Float64Array)), 1);
  const said = { texts: rows.length, cosine };
  const tokens = rows.reduce((sum, row) => sum + row.length - 1, 0);
  if (!tokenizer || tokens === 0 || partsFor(parts, undefined).architecture.module.kind !== 'decoder') return said;
  const [before, after] = [await perplexityOf(floats, rows, engine), await perplexityOf(eighths, rows, engine)];
  return { ...said, perplexity: { tokens, before, after } };
}

/** Random token ids, as many rows as there are texts. */
function drawn(vocabulary: number): number[][] {
  const random = new Random(0, 'fidelity');
  return texts.map(() => Array.from({ length: LENGTH }, () => random.uint32() % vocabulary));
}

/** What a language model thinks of texts, each read from its beginning. */
async function perplexityOf(path: string, rows: readonly number[][], engine: Engine): Promise<number> {
  const model = await AutoModelForCausalLM.from_pretrained(path, { engine });
  let [loss, targets] = [0, 0];
  for (const row of rows) {
    const { data, dims } = (await model({ input_ids: [row] })).logits;
    const V = dims.at(-1) as number;
    for (const [t, token] of row.slice(1).entries()) {
      const scores = data.subarray(t * V, (t + 1) * V) as Float32Array;
      const most = scores.reduce((one, other) => Math.max(one, other));
      const sum = scores.reduce((total, score) => total + Math.exp(score - most), 0);
      loss += most + Math.log(sum) - (scores[token] as number);
    }
    targets += row.length - 1;
  }
  model.dispose();
  return perplexity(loss / targets);
}

type Says = (model: string, rows: readonly number[][], engine: Engine) => Promise<Float64Array[]>;

const encoderSays: Says = async (path, rows, engine) => {
  const model = await AutoModel.from_pretrained(path, { engine });
  const said: Float64Array[] = [];
  for (const row of rows) said.push(columns((await model({ input_ids: [row] })).last_hidden_state));
  model.dispose();
  return said;
};

const translatorSays: Says = async (path, rows, engine) => {
  const model = await AutoModelForSeq2SeqLM.from_pretrained(path, { engine });
  const said: Float64Array[] = [];
  for (const row of rows) said.push(Float64Array.from((await model({ input_ids: [row], decoder_input_ids: [row] })).logits.data));
  model.dispose();
  return said;
};

/** The sum of the rows of [1, T, C]. */
function columns({ data, dims }: HostTensor): Float64Array {
  const C = dims[2] as number;
  const sum = new Float64Array(C);
  for (const [i, x] of data.entries()) sum[i % C] = (sum[i % C] as number) + x;
  return sum;
}
