/**
 * One side of `bench senses` in a process of its own: node senses-child.mjs heed|onnxruntime-web DTYPE THREADS wide|'' FOLDER ONNX [processor]. It prints one line of JSON, milliseconds: of a
 * picture's features, or of a window of sound until its first token and of each token behind that. Sides get the same pixels or features, and tell what they answer.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AutoModel, AutoModelForSpeechSeq2Seq, createEngine, Tensor } from 'heed';
import * as ort from 'onnxruntime-web';
import { processorTime, spread } from './measure.js';

export interface Told {
  /** Milliseconds by what was done. */
  ms: Record<string, number>;
  /** The answer: features, or ids. */
  answer: number[];
  version?: string;
}

const [side, dtype, threadsText, wide, folder = '', onnx = '', clock = ''] = process.argv.slice(2);
const threads = Number(threadsText);
const now = clock === 'processor' ? processorTime : () => performance.now();
const [WARM, CALLS, TOKENS] = [3, 9, 64];
const { model_type: family, num_mel_bins: mels = 80 } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));

/** Numbers as a picture or a sound gives them, between about -1 and 1, the same for every side. */
const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 0.37) * Math.cos(i * 0.011));
const dims = family === 'whisper' ? [1, mels, 3000] : [1, 3, 224, 224];
const given = numbers(dims.reduce((product, n) => product * n, 1));

async function median(call: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < WARM; i++) await call();
  const times: number[] = [];
  for (let i = 0; i < CALLS; i++) {
    const start = now();
    await call();
    times.push(now() - start);
  }
  return spread(times).median;
}

/** What is measured of a model that hears. `write(n)` hears the window and writes n tokens. */
async function hearing(write: (tokens: number) => Promise<number[]>): Promise<Told> {
  const first = await median(() => write(1));
  const all = await median(() => write(TOKENS + 1));
  return { ms: { 'until the first token': first, 'a token': (all - first) / TOKENS }, answer: await write(TOKENS + 1) };
}

async function heed(): Promise<Told> {
  const engine = await createEngine({ threads, wide: wide === 'wide' });
  if (engine.info.threads !== threads) throw new Error(`heed runs with ${JSON.stringify(engine.info)}`);
  const input = new Tensor('float32', given, dims);
  const options = { engine, dtype: dtype as 'fp32' };
  if (family === 'whisper') {
    const model = await AutoModelForSpeechSeq2Seq.from_pretrained(folder, options);
    return hearing(async (n) => {
      const ids = await model.generate({ input_features: input, max_new_tokens: n, min_new_tokens: n, num_beams: 1 });
      return [...(ids.data as Int32Array)];
    });
  }
  const model = await AutoModel.from_pretrained(folder, options);
  const see = async () => (await model({ pixel_values: input })).last_hidden_state.data as Float32Array;
  return { ms: { 'a picture': await median(see) }, answer: [...(await see())] };
}

async function onnxruntime(): Promise<Told> {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const open = (name: string) => {
    const file = join(onnx, dtype === 'int8' ? `${name}.int8.onnx` : `${name}.onnx`);
    if (!existsSync(file)) throw new Error(`there is no ${file}: python3 bench/peers/export_onnx.py ${folder} ${onnx}`);
    return ort.InferenceSession.create(readFileSync(file), { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
  };
  const version = ort.env.versions.web ?? 'unknown';
  const input = new ort.Tensor('float32', given, dims);
  if (family !== 'whisper') {
    const model = await open('model');
    const see = async () => (await model.run({ pixel_values: input })).last_hidden_state?.data as Float32Array;
    return { ms: { 'a picture': await median(see) }, answer: [...(await see())], version };
  }
  const [encoder, decoder] = [await open('encoder'), await open('decoder')];
  const { decoder_layers: L, decoder_attention_heads: H, d_model: C } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  const { decoder_start_token_id, suppress_tokens, begin_suppress_tokens, eos_token_id, no_timestamps_token_id } = JSON.parse(
    readFileSync(join(folder, 'generation_config.json'), 'utf8'),
  );
  const never = new Set<number>([...(suppress_tokens ?? []), eos_token_id]);
  const start = [decoder_start_token_id, no_timestamps_token_id];
  const whole = (value: number) => new ort.Tensor('int64', BigInt64Array.of(BigInt(value)), [1, 1]);
  const write = async (n: number) => {
    const { cross_keys, cross_values } = (await encoder.run({ input_features: input })) as Record<string, ort.Tensor>;
    const none = () => new ort.Tensor('float32', new Float32Array(), [L, 1, H, 0, C / H]);
    let [keys, values]: [ort.Tensor, ort.Tensor] = [none(), none()];
    const ids = [...start];
    for (let t = 0; ids.length < start.length + n; t++) {
      const feeds = { input_ids: whole(ids[t] as number), position: whole(t), past_keys: keys, past_values: values };
      const step = (await decoder.run({ ...feeds, cross_keys, cross_values } as Record<string, ort.Tensor>)) as Record<string, ort.Tensor>;
      [keys, values] = [step.keys as ort.Tensor, step.values as ort.Tensor];
      if (t + 1 < ids.length) continue;
      const logits = step.logits?.data as Float32Array;
      let best = -1;
      for (let id = 0; id < no_timestamps_token_id; id++)
        if (!never.has(id) && !(t + 1 === start.length && begin_suppress_tokens?.includes(id)))
          if (best < 0 || (logits[id] as number) > (logits[best] as number)) best = id;
      ids.push(best);
    }
    return ids.slice(start.length);
  };
  return { ...(await hearing(write)), version };
}

process.stdout.write(JSON.stringify(side === 'heed' ? await heed() : await onnxruntime()), () => process.exit());
