/**
 * `bench minilm --model FOLDER`: a whole sentence encoder, ids in, hidden states out, against onnxruntime-web on an ONNX file of the same weights
 * (peers/onnx-bert.ts), interleaved in one process with the same threads. Also 8-bit weights against float32, and what a token of 32 short sentences costs
 * against one of a long text, by the model and by the pipeline, tokenizer included. Answers are compared before anything is timed.
 */
import { AutoModel, createEngine, pipeline } from 'heed';
import type { Command, CommandOptions } from './command.js';
import { modes } from './heed.js';
import { compare, type Options, type Task } from './measure.js';
import { type Mode, peakFlops } from './peak.js';
import { peakTasks } from './peak-binary.js';
import { openBert } from './peers/onnxruntime.js';
import { checkAnswer, type Ids, longText, rowOf, type Sentences, sentences, textsOf } from './sentences.js';
import { digits, type Row } from './table.js';
import { encoderFlops } from './weights.js';

type Run = (batch: Ids) => Promise<Float32Array>;

type Engines = Pick<CommandOptions, 'threads' | 'wide'>;

const defaultTokens = [16, 128, 512];
const dtypes = ['fp32', 'q8'] as const;

async function openSides(folder: string, { threads, wide }: Engines, available: Mode[]): Promise<Record<string, Run>> {
  const sides: Record<string, Run> = {};
  for (const mode of available) {
    const engine = await createEngine({ threads, wide, deterministic: mode === 'plain' });
    if (engine.info.threads !== threads || engine.info.wide !== wide) throw new Error(`heed runs with ${JSON.stringify(engine.info)}`);
    for (const dtype of dtypes) {
      const model = await AutoModel.from_pretrained(folder, { engine, dtype });
      sides[`${mode} ${dtype}`] = async ({ ids, mask }) =>
        (await model({ input_ids: ids, attention_mask: mask })).last_hidden_state.data as Float32Array;
    }
  }
  return sides;
}

/** The times of one batch by every side, and as rows of both tables. */
async function measure(
  label: string,
  batch: Ids,
  sides: Record<string, Run>,
  peaks: Record<string, Task>,
  options: Options,
  available: Mode[],
) {
  const tasks: Record<string, Task> = { ...peaks };
  for (const [name, run] of Object.entries(sides)) tasks[name] = () => run(batch);
  const { times, ratio } = await compare(tasks, options);
  const median = (name: string) => (times[name] as { median: number }).median;
  const flops = batch.lengths.length * encoderFlops(6, Math.max(...batch.lengths));
  const against: Row = { batch: label, 'onnxruntime-web ms': median('onnxruntime-web') };
  const eight: Row = { batch: label };
  for (const mode of available) {
    const peak = peakFlops / median(`peak ${mode}`) / 1e6;
    const { median: times, low, high } = ratio('onnxruntime-web', `${mode} fp32`);
    against[`${mode} ms`] = median(`${mode} fp32`);
    against[`${mode} is … times as fast`] = `${digits(times)} (${digits(low)} to ${digits(high)})`;
    against[`${mode}, share of the peak`] = `${((100 * flops) / median(`${mode} fp32`) / 1e6 / peak).toFixed(0)} % of ${digits(peak)}`;
    const q8 = ratio(`${mode} fp32`, `${mode} q8`);
    eight[`${mode} q8 ms`] = median(`${mode} q8`);
    eight[`${mode} q8 is … times as fast as float32`] = `${digits(q8.median)} (${digits(q8.low)} to ${digits(q8.high)})`;
  }
  return { against, eight };
}

/** Microseconds a token of 32 short sentences and of one long text, which are timed in the same rounds. */
async function perToken(
  folder: string,
  { threads, wide }: Engines,
  mode: Mode,
  texts: Sentences,
  run: Run,
  options: Options,
): Promise<Row[]> {
  const engine = await createEngine({ threads, wide, deterministic: mode === 'plain' });
  const extractor = await pipeline('feature-extraction', folder, { engine });
  const embed = (given: string | string[]) => extractor(given, { pooling: 'mean', normalize: true, max_length: 512 });
  const long = rowOf(512);
  const tasks = {
    'model(inputs), T 512': () => run(long),
    'model(inputs), 32 sentences': () => run(texts.batch),
    "pipeline('feature-extraction'), T 512": () => embed(longText),
    "pipeline('feature-extraction'), 32 sentences": () => embed(texts.texts),
  };
  const short = texts.batch.lengths.reduce((sum, n) => sum + n, 0);
  const { times } = await compare(tasks, options);
  await engine.dispose();
  return Object.entries(times).map(([what, { median }]) => {
    const tokens = what.endsWith('512') ? 512 : short;
    return { build: mode, what, tokens, ms: median, 'microseconds a token': (1000 * median) / tokens };
  });
}

export const command: Command = {
  async run({ threads, wide, measuring, tokens = defaultTokens, model: folder }) {
    if (!folder) throw new Error('bench minilm needs --model FOLDER, the files of all-MiniLM-L6-v2');
    const available = await modes();
    const texts = await textsOf(folder, sentences);
    const peer = await openBert(folder, threads);
    const heed = await openSides(folder, { threads, wide }, available);
    const sides: Record<string, Run> = { 'onnxruntime-web': peer.run, ...heed };
    const peaks = Object.fromEntries(Object.entries(peakTasks(available)).map(([mode, task]) => [`peak ${mode}`, task as Task]));
    const batches: [string, Ids][] = [...tokens.map((T): [string, Ids] => [`T ${T}`, rowOf(T)]), [texts.label, texts.batch]];
    const notes = [`onnxruntime-web ${peer.version}: ${peer.options}`];
    const tables = { against: [] as Row[], eight: [] as Row[] };
    for (const [label, batch] of batches) {
      const right = await peer.run(batch);
      for (const [name, run] of Object.entries(heed))
        notes.push(checkAnswer(`${label}: ${name}`, await run(batch), right, batch, name.endsWith('fp32')));
      const rows = await measure(label, batch, sides, peaks, measuring, available);
      tables.against.push(rows.against);
      tables.eight.push(rows.eight);
    }
    const costs: Row[] = [];
    for (const mode of available)
      costs.push(...(await perToken(folder, { threads, wide }, mode, texts, heed[`${mode} fp32`] as Run, measuring)));
    return {
      title: `all-MiniLM-L6-v2, whole, threads ${threads}${wide ? ', 256 bits' : ''}, one process`,
      notes,
      tables: [
        { caption: 'float32 against onnxruntime-web (quartiles in brackets)', rows: tables.against },
        { caption: '8-bit weights', rows: tables.eight },
        { caption: 'A token of short sentences', rows: costs },
      ],
    };
  },
};
