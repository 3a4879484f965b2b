/** Fidelity of a model in 8 bits, or in 4, to the model in floats that it was made from: both read the same texts, or see or hear the same noise. */
import type { Engine } from '../engine/engine.js';
import { AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq } from '../entry/node.js';
import type { DualDims, EncoderDecoderDims, EncoderDims, ImageDims } from '../models/architecture.js';
import type { Model } from '../models/model.js';
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

/** Kinds of what a model may be given. */
type Kind = 'texts' | 'pictures' | 'sounds';

export interface Fidelity {
  /** How many texts, pictures and sounds the two were given, of what the model takes. */
  counts: Readonly<Partial<Record<Kind, number>>>;
  /** The lowest cosine between what the two say of one: the mean of last states or vectors, or a translator's scores of its tokens. */
  cosine: number;
  /** Perplexity of a language model: exp of the mean cross entropy, in nats, of each token given the tokens before it in its text, and the number of tokens. */
  perplexity?: { tokens: number; before: number; after: number };
}

/** Compares the two on the lines of a text, or on eight sentences. Without a tokenizer they read random tokens, and no perplexity is told. Pictures and sounds are noise. */
export async function fidelity(engine: Engine, parts: ModelParts, floats: string, eighths: string, text?: string): Promise<Fidelity> {
  const { folder, config, architecture } = parts;
  const dims = architecture.dims(config) as EncoderDims | EncoderDecoderDims | DualDims;
  const { positions } = 'text' in dims ? dims.text : dims;
  const tokenizer = await ifThere(Tokenizer.load(folder));
  const lines = text?.split(/\r?\n/).filter((line) => line.trim() !== '') ?? texts;
  const all = tokenizer ? lines.map((line) => tokenizer.encode(line)) : drawn(config.integer('vocab_size', 1 << 24, 2));
  const rows = all.map((row) => row.slice(0, Math.min(positions, MOST))).filter((row) => row.length > 0);
  const says = speakers[architecture.module.kind] ?? encoderSays;
  const [one, other] = [await says(floats, rows, engine), await says(eighths, rows, engine)];
  const cosine = one.vectors.reduce((least, x, i) => Math.min(least, cos_sim(x, other.vectors[i] as Float64Array)), 1);
  const said = { counts: Object.fromEntries(one.kinds.map((kind) => [kind, rows.length])), cosine };
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

/** Perplexity of a language model on texts, each read from its beginning. */
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

/** What a model says of each row, and what it was given beside it or in its place. */
type Says = (model: string, rows: readonly number[][], engine: Engine) => Promise<{ vectors: Float64Array[]; kinds: readonly Kind[] }>;

/** Samples of a sound: a second of what most models hear. */
const SAMPLES = 16_000;

/** Inputs of encoders by their names: what they are, and one of them, made of a row of tokens or drawn. */
const inputs: Readonly<Record<string, { kind: Kind; make(row: readonly number[], dims: object, random: Random): unknown }>> = {
  input_ids: { kind: 'texts', make: (row) => [row] },
  pixel_values: {
    kind: 'pictures',
    make: (_, dims, random) => {
      const { channels, image } = ('text' in dims ? (dims as DualDims).image : dims) as ImageDims;
      return noise([1, channels, ...image], random);
    },
  },
  input_values: { kind: 'sounds', make: (_row, _dims, random) => noise([1, SAMPLES], random) },
};

function noise(dims: readonly number[], random: Random): { data: Float32Array; dims: readonly number[] } {
  return { data: Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => random.normal()), dims };
}

const encoderSays: Says = async (path, rows, engine) => {
  const model = await AutoModel.from_pretrained(path, { engine });
  const { inputNames, dims } = model.encoder as { inputNames: readonly string[]; dims: object };
  const taken = inputNames.flatMap((name) => (inputs[name] ? [[name, inputs[name]] as const] : []));
  const random = new Random(0, 'noise');
  const vectors: Float64Array[] = [];
  for (const row of rows) {
    const given = Object.fromEntries(taken.map(([name, { make }]) => [name, make(row, dims, random)]));
    vectors.push(vectorOf(await model(given as unknown as Parameters<Model>[0])));
  }
  model.dispose();
  return { vectors, kinds: taken.map(([, { kind }]) => kind) };
};

const translatorSays: Says = async (path, rows, engine) => {
  const model = await AutoModelForSeq2SeqLM.from_pretrained(path, { engine });
  const vectors: Float64Array[] = [];
  for (const row of rows) vectors.push(Float64Array.from((await model({ input_ids: [row], decoder_input_ids: [row] })).logits.data));
  model.dispose();
  return { vectors, kinds: ['texts'] };
};

const speechSays: Says = async (path, rows, engine) => {
  const model = await AutoModelForSpeechSeq2Seq.from_pretrained(path, { engine });
  const { features } = model.module.dims;
  const random = new Random(0, 'noise');
  const vectors: Float64Array[] = [];
  for (const row of rows) {
    const sound = features
      ? { input_features: noise([1, features.channels, features.steps], random) }
      : { input_values: noise([1, SAMPLES], random) };
    const { logits } = await model({ ...sound, decoder_input_ids: [row] } as Parameters<typeof model>[0]);
    vectors.push(Float64Array.from(logits.data));
  }
  model.dispose();
  return { vectors, kinds: ['sounds'] };
};

/** Who speaks for a kind of model; encoders for themselves. */
const speakers: Readonly<Record<string, Says>> = { 'encoder-decoder': translatorSays, 'speech encoder-decoder': speechSays };

/** The sum of the rows of states [1, T, C], or all numbers of planes, or of the vectors of a text and of a picture. */
function vectorOf(outputs: object): Float64Array {
  const { last_hidden_state: states, text_embeds, image_embeds } = outputs as Readonly<Record<string, HostTensor | undefined>>;
  if (!states) return Float64Array.from([text_embeds, image_embeds].flatMap((x) => Array.from(x?.data ?? [], Number)));
  const { data, dims } = states;
  const sum = new Float64Array(dims.length === 3 ? (dims[2] as number) : data.length);
  for (const [i, x] of data.entries()) sum[i % sum.length] = (sum[i % sum.length] as number) + Number(x);
  return sum;
}
