/** What is said in a sound for the AI SDK's transcribe. */
import type { TranscriptionModelV4, TranscriptionModelV4CallOptions, TranscriptionModelV4Result } from '@ai-sdk/provider';
import { heardBy } from '../audio/ears.js';
import type { SpeechChunk } from '../pipelines/speech/words.js';
import { HeedModel } from './model.js';
import { ownOptions } from './own_options.js';

/** Options of a call under `providerOptions.heed`. */
export type HeedTranscriptionOptions = {
  /** Language of the sound. Default: as the model hears it. */
  language?: string;
  /** 'translate' for English text. Default 'transcribe'. */
  task?: 'transcribe' | 'translate';
  /** Default 0: the most probable text. */
  temperature?: number;
};

const timed = (chunks: readonly SpeechChunk[] = []) =>
  chunks.map(({ text, timestamp: [startSecond, endSecond] }) => ({ text: text.trim(), startSecond, endSecond }));

/** Bytes of a sound. Base64 is given as text, which heed would take for an address. */
const bytesOf = (audio: Uint8Array | string): Uint8Array =>
  typeof audio === 'string' ? Uint8Array.from(atob(audio), (character) => character.charCodeAt(0)) : audio;

/** Model that writes down what is said. */
export class HeedTranscriptionModel extends HeedModel implements TranscriptionModelV4 {
  /** The text of a sound, with the times of its stretches, and of its words where they are asked for. Rejects with what is wrong with the sound, UNSUPPORTED, or the signal's reason. */
  async doGenerate(given: TranscriptionModelV4CallOptions): Promise<TranscriptionModelV4Result> {
    const { audio, timestampGranularities = [], providerOptions, abortSignal: signal } = given;
    const own = ownOptions<HeedTranscriptionOptions>(providerOptions, ['language', 'task', 'temperature']);
    const pipe = await this.pipelineFor('automatic-speech-recognition');
    const timestamp = new Date();
    const [samples] = (await heardBy(pipe.ears, [bytesOf(audio)], undefined, signal)) as [Float32Array];
    const { text, chunks, language } = await pipe(samples, { ...own, signal, return_timestamps: true });
    const words = timestampGranularities.includes('word') && (await pipe(samples, { ...own, signal, return_timestamps: 'word' }));
    return {
      text: text.trim(),
      segments: timed(chunks),
      ...(words && { words: timed(words.chunks) }),
      language,
      durationInSeconds: samples.length / pipe.ears.sampling_rate,
      warnings: [],
      response: { timestamp, modelId: this.modelId },
    };
  }
}
