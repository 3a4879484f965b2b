/** How near a model in 8 bits is to the one in floats that it was made of: both read the same texts. */
import type { Engine } from '../engine/engine.js';
import { AutoModel, AutoModelForSeq2SeqLM } from '../entry/node.js';
import type { Folder } from '../io/folder.js';
import type { EncoderDecoderDims, EncoderDims } from '../models/architecture.js';
import type { ModelParts } from '../models/parts.js';
import { cos_sim } from '../pipelines/similarity.js';
import { Random } from '../random.js';
import type { HostTensor } from '../tensor.js';
import { Tokenizer } from '../text/tokenizer.js';
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

/** Tokens of a row where there is no tokenizer. */
const LENGTH = 24;

/** The lowest cosine between what the two say of a text: the mean of last states, or a translator's scores of its tokens. */
export async function fidelity(
  engine: Engine,
  { folder, config, architecture }: ModelParts,
  floats: string,
  eighths: string,
): Promise<number> {
  const { positions } = architecture.dims(config) as EncoderDims | EncoderDecoderDims;
  const all = await rowsFor(folder, config.integer('vocab_size', 1 << 24, 2));
  const rows = all.map((row) => row.slice(0, positions));
  const says = architecture.module.kind === 'encoder-decoder' ? translatorSays : encoderSays;
  const [one, other] = [await says(floats, rows, engine), await says(eighths, rows, engine)];
  return Math.min(...one.map((x, i) => cos_sim(x, other[i] as Float64Array)));
}

/** Token ids of the texts, or random ones. */
async function rowsFor(folder: Folder, vocabulary: number): Promise<number[][]> {
  const tokenizer = await ifThere(Tokenizer.load(folder));
  const random = new Random(0, 'fidelity');
  const ids = () => Array.from({ length: LENGTH }, () => random.uint32() % vocabulary);
  return texts.map((text) => tokenizer?.encode(text) ?? ids());
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
