/** pipeline('automatic-speech-recognition') with a model that reads samples and tells no times: Moonshine. A sound is heard at once, a longer one in pieces that overlap. */
import { type Ears, heardBy } from '../../audio/ears.js';
import type { AudioSource } from '../../audio/read.js';
import { checkOptions, HeedError } from '../../errors.js';
import { generationOptionNames } from '../../generation/config.js';
import type { SpeechSeq2Seq } from '../../generation/speech/model.js';
import { samplesOf } from '../../models/waves.js';
import type { CallableTokenizer } from '../../text/tokenizer.js';
import { checkRunOptions, runOptionNames } from '../rows.js';
import { TextPipeline } from '../text.js';
import { askedOf, type SpeechRecognitionOptions, TASK } from './asked.js';
import { merged, type Piece } from './merge.js';
import { sideBySide, startsOf } from './pieces.js';
import type { Transcription } from './recognition.js';

/** Tokens for a second of speech, beyond which a text only repeats itself (as Moonshine's authors advise). */
const TOKENS_A_SECOND = 6.5;
const optionNames: readonly string[] = /* @__PURE__ */ ['return_timestamps', 'chunk_length_s', 'stride_length_s', 'sampling_rate'].concat(
  generationOptionNames,
  runOptionNames,
);

/** Texts of what is said in sounds. */
export class SampleRecognitionPipeline extends TextPipeline<SpeechSeq2Seq> {
  /** Kind of its first argument: files may be given by addresses. */
  readonly reads = 'files';

  constructor(
    tokenizer: CallableTokenizer,
    model: SpeechSeq2Seq,
    readonly ears: Ears,
  ) {
    super(tokenizer, model);
  }

  async call(
    sounds: AudioSource | readonly AudioSource[],
    options: SpeechRecognitionOptions = {},
  ): Promise<Transcription | Transcription[]> {
    checkOptions(options, optionNames, TASK);
    checkRunOptions(TASK, options);
    const { signal, onProgress, sampling_rate, return_timestamps: times = false, stride_length_s, chunk_length_s = 0 } = options;
    if (times !== false)
      throw new HeedError('UNSUPPORTED', `${TASK}: this model tells no times`, {
        culprit: 'return_timestamps',
        cure: 'Leave it out, or take a Whisper or a model with CTC',
      });
    if ((options.num_return_sequences ?? 1) !== 1)
      throw new HeedError('UNSUPPORTED', `${TASK}: a sound has one text`, { culprit: 'num_return_sequences', cure: 'Leave it out' });
    // A piece has a text that the decoder has positions for.
    const longest = Math.max(1, (this.model.module.dims.positions - 1) / TOKENS_A_SECOND);
    const asked = askedOf(
      { chunk_length_s: chunk_length_s === 0 ? Math.floor(longest) : chunk_length_s, stride_length_s },
      Math.ceil(longest),
    );
    const { sampling_rate: rate } = this.ears;
    const [chunk, left, right] = [asked.chunk, asked.left, asked.right].map((s) => Math.round(s * rate)) as [number, number, number];
    const samples = await heardBy(this.ears, sounds, sampling_rate, signal);
    const total = samples.reduce((sum, { length }) => sum + length, 0);
    let done = 0;
    const found: Transcription[] = [];
    await sideBySide(samples, async (sound, i) => {
      const starts = startsOf(sound.length, chunk, left + right);
      const pieces: Piece[] = [];
      await sideBySide(starts, async (at, p) => {
        const piece = sound.subarray(at, at + chunk);
        const tokens = await this.#tokens(piece, options);
        const stride = { length: piece.length / rate, left: p ? left / rate : 0, right: p < starts.length - 1 ? right / rate : 0 };
        pieces[p] = { heard: tokens.map((token) => ({ token, span: [0, 0] })), stride };
        done += sound.length / starts.length;
        onProgress?.(Math.round(done), total);
      });
      const all = merged(pieces).flatMap(({ tokens }) => tokens);
      found[i] = { text: this.tokenizer.decode(all, { skip_special_tokens: true }) };
    });
    return Array.isArray(sounds) ? found : (found[0] as Transcription);
  }

  /** What is said in a piece, without beginning and end. */
  async #tokens(piece: Float32Array, options: SpeechRecognitionOptions): Promise<number[]> {
    const { waves = [], positions } = this.model.module.dims;
    const { return_timestamps, chunk_length_s, stride_length_s, sampling_rate, onProgress, ...own } = options;
    // What is too short for a state is heard with silence behind it.
    const heard = new Float32Array(Math.max(piece.length, samplesOf(1, waves)));
    heard.set(piece);
    const most = Math.min(positions - 1, Math.max(1, Math.ceil((piece.length / this.ears.sampling_rate) * TOKENS_A_SECOND)));
    const limit = own.max_new_tokens === undefined && own.max_length === undefined ? { max_new_tokens: most } : {};
    const ids = await this.model.generate({ ...limit, ...own, input_values: await this.ears.features(heard, true) });
    const { bos_token_id, eos_token_id, decoder_start_token_id, pad_token_id } = this.model.generation_config;
    const marks = [bos_token_id, eos_token_id, decoder_start_token_id, pad_token_id].flat();
    return Array.from(ids.data as Int32Array).filter((id) => !marks.includes(id));
  }
}
