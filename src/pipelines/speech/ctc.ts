/** pipeline('automatic-speech-recognition') with a model that scores letters at every step: wav2vec 2.0. A sound is heard at once, or in pieces that overlap. */
import { type Ears, heardBy, loadEars } from '../../audio/ears.js';
import type { AudioSource } from '../../audio/read.js';
import type { Engine, EngineInfo } from '../../engine/engine.js';
import { checkOptions } from '../../errors.js';
import { type Folder, folderOf } from '../../io/folder.js';
import { callable } from '../../models/callable.js';
import { checkPretrained, type PretrainedOptions } from '../../models/options.js';
import { CTCModel, type CTCRecognizer } from '../../models/task_model.js';
import { statesOf, strideOf } from '../../models/waves.js';
import { checkRunOptions, runOptionNames } from '../rows.js';
import { loadAll, wrong } from '../text.js';
import { askedOf, type SpeechRecognitionOptions, TASK } from './asked.js';
import { Letters, type Stretch, wordsIn } from './letters.js';
import type { SpeechRecognizer, Transcription } from './recognition.js';
import type { SpeechChunk } from './words.js';

const optionNames = ['return_timestamps', 'chunk_length_s', 'stride_length_s', 'sampling_rate', 'num_beams'].concat(runOptionNames);

/** Letters of what is said in sounds. */
class CtcPipeline {
  /** Kind of its first argument: files may be given by addresses. */
  readonly reads = 'files';

  constructor(
    readonly letters: Letters,
    readonly model: CTCRecognizer,
    readonly ears: Ears,
  ) {}

  get info(): EngineInfo {
    return this.model.info;
  }

  dispose(): void {
    this.model.dispose();
  }

  async call(
    sounds: AudioSource | readonly AudioSource[],
    options: SpeechRecognitionOptions = {},
  ): Promise<Transcription | Transcription[]> {
    checkOptions(options, optionNames, TASK);
    checkRunOptions(TASK, options);
    const { return_timestamps: times = false, num_beams = 1, signal, sampling_rate, onProgress } = options;
    if (![true, false, 'word', 'char'].includes(times))
      throw wrong(TASK, 'return_timestamps', times, "It is true, false, 'word' or 'char'");
    if (num_beams !== 1) throw wrong(TASK, 'num_beams', num_beams, 'This model takes the best letter of each step: leave it out');
    const { chunk, left, right } = askedOf({ ...options, return_timestamps: false }, Number.POSITIVE_INFINITY);
    const samples = await heardBy(this.ears, sounds, sampling_rate, signal);
    const total = samples.reduce((sum, { length }) => sum + length, 0);
    const found: Transcription[] = [];
    let done = 0;
    for (const one of samples) {
      const letters = this.letters.read(await this.#best(one, [chunk, left, right], signal, (heard) => onProgress?.(done + heard, total)));
      const stretches = times === 'char' ? letters : wordsIn(letters);
      found.push({ text: this.letters.text(letters), ...(times && { chunks: stretches.map((stretch) => this.#chunk(stretch)) }) });
      done += one.length;
    }
    return Array.isArray(sounds) ? found : (found[0] as Transcription);
  }

  /** Samples from step to step. */
  get #stride(): number {
    return strideOf(this.model.encoder.dims.waves);
  }

  #chunk({ text, from, to }: Stretch): SpeechChunk {
    const second = (step: number) => (step * this.#stride) / this.ears.sampling_rate;
    return { text, timestamp: [second(from), second(to)] };
  }

  /** The number of the best letter at each step. Of pieces what stands between their overlaps counts, at its place in the sound. */
  async #best(
    samples: Float32Array,
    seconds: readonly [chunk: number, left: number, right: number],
    signal: AbortSignal | undefined,
    told: (heard: number) => void,
  ): Promise<Int32Array> {
    const stride = this.#stride;
    const { waves } = this.model.encoder.dims;
    this.model.encoder.states(samples.length);
    const best = new Int32Array(statesOf(samples.length, waves)).fill(this.letters.blank);
    const [chunk, left, right] = seconds.map((s) => Math.round((s * this.ears.sampling_rate) / stride)) as [number, number, number];
    const step = chunk ? Math.max(1, chunk - left - right) : best.length;
    for (let at = 0, last = false; !last; at += step) {
      const end = chunk ? Math.min(samples.length, (at + chunk) * stride) : samples.length;
      last = end === samples.length;
      const piece = samples.subarray(at * stride, end);
      if (statesOf(piece.length, waves) < 1) break;
      const { logits } = await this.model({ input_values: await this.ears.features(piece, true) }, { signal });
      const [, T, V] = logits.dims as [number, number, number];
      for (let t = at ? left : 0; t < T; t++) {
        const scores = (logits.data as Float32Array).subarray(t * V, (t + 1) * V);
        if (at + t < best.length) best[at + t] = scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
      }
      told(end);
    }
    return best;
  }
}

/** Loads a folder's weights, vocab.json and preprocessor_config.json. */
export async function loadCtc(engine: Engine, from: string | Folder, options: PretrainedOptions = {}): Promise<SpeechRecognizer> {
  checkPretrained(options);
  const { runtime } = engine;
  const { signal } = options;
  const folder = folderOf(runtime, from);
  const [model, letters, ears] = await loadAll(
    CTCModel.load(engine, folder, options),
    Letters.load(runtime, folder, { signal }),
    loadEars(runtime, folder, { signal }),
  );
  return callable(new CtcPipeline(letters, model, ears)) as unknown as SpeechRecognizer;
}
