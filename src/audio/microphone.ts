/** What a page's microphone hears, as it hears it: samples of one channel, at a model's rate, from getUserMedia through an AudioWorklet. */
import { checkOptions, expectSignal, HeedError, kindOf } from '../errors.js';
import { Resampler } from './resampler.js';
import { isRate, joined } from './sound.js';

/** Options of `microphone`. */
export interface MicrophoneOptions {
  /** Samples a second: a whole number. Default 16,000, as models of speech hear. */
  sampling_rate?: number | undefined;
  /** Seconds that a piece has at least; one for which nobody waited has all that was heard meanwhile. Default 0.5. */
  seconds?: number | undefined;
  /** What getUserMedia is asked for beside, `MediaTrackConstraints`: a device, echo cancellation, noise suppression. Default: what the browser has. */
  constraints?: object | undefined;
  /** Ends it: the loop is left with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/**
 * Hears, until the loop is left or the microphone ends: pieces follow each other without a gap. Throws UNSUPPORTED where there is no microphone to be asked for or nobody may
 * ask, NOT_FOUND where none is plugged in, ARGUMENT, or `signal.reason`.
 */
export type Microphone = (options?: MicrophoneOptions) => AsyncGenerator<Float32Array, void, undefined>;

/** The name under which microphone-worker.ts registers what it hears by. */
const PROCESSOR = 'heed-microphone';
const optionNames = ['sampling_rate', 'seconds', 'constraints', 'signal'];

/** `microphone` of a runtime; `worklet` is the address of the worklet's file, where there may be one. */
export const bindMicrophone = (worklet?: () => URL): Microphone =>
  async function* (options = {}) {
    checkOptions(options, optionNames, 'microphone');
    const { sampling_rate = 16_000, seconds = 0.5, constraints = {}, signal } = options;
    const wrong = (name: string, value: unknown, cure: string) =>
      new HeedError('ARGUMENT', `microphone: ${name} is ${kindOf(value)}`, { culprit: name, cure });
    if (!(isRate(sampling_rate) && Number.isInteger(sampling_rate)))
      throw wrong('sampling_rate', sampling_rate, 'It is a whole number of samples a second');
    if (!(seconds > 0 && seconds <= 3600)) throw wrong('seconds', seconds, 'It is a number of seconds above 0');
    if (constraints === null || typeof constraints !== 'object')
      throw wrong('constraints', constraints, 'It is an object, as getUserMedia takes it');
    expectSignal(signal);
    signal?.throwIfAborted();
    if (!worklet || typeof AudioWorkletNode === 'undefined' || !globalThis.navigator?.mediaDevices?.getUserMedia)
      throw new HeedError('UNSUPPORTED', 'There is no microphone here', {
        culprit: 'microphone',
        cure: 'It is for pages of https: or localhost that import heed; elsewhere read_audio reads what was recorded',
      });
    const stream = await asked(constraints);
    const context = new AudioContext();
    const heard = new Pieces();
    const stop = () => heard.end();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await context.audioWorklet.addModule(worklet()).catch((cause: unknown) => {
        throw new HeedError('NOT_FOUND', `${worklet().href} does not load`, {
          culprit: 'microphone',
          cure: "Put heed's dist/runtime beside the folder of your bundle",
          cause,
        });
      });
      const ear = new AudioWorkletNode(context, PROCESSOR, { numberOfOutputs: 0 });
      ear.port.onmessage = ({ data }: MessageEvent<Float32Array>) => heard.put(data);
      for (const track of stream.getTracks()) track.addEventListener('ended', stop, { once: true });
      context.createMediaStreamSource(stream).connect(ear);
      await context.resume();
      const resampler = new Resampler(context.sampleRate, sampling_rate);
      for await (const piece of resampled(heard, resampler, Math.ceil(seconds * sampling_rate))) {
        signal?.throwIfAborted();
        yield piece;
      }
      signal?.throwIfAborted();
    } finally {
      signal?.removeEventListener('abort', stop);
      for (const track of stream.getTracks()) track.stop();
      await context.close();
    }
  };

/** The microphone that the user allows. */
async function asked(audio: object): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (cause) {
    const { name = '', message = String(cause) } = Object(cause) as Partial<Error>;
    const isMissing = /NotFound|Overconstrained/.test(name);
    throw new HeedError(isMissing ? 'NOT_FOUND' : 'UNSUPPORTED', `The microphone cannot be heard: ${message || name}`, {
      culprit: 'microphone',
      cure: isMissing ? 'Is one plugged in?' : 'Ask when the user has clicked something that says so, and let the page be allowed to',
      cause,
    });
  }
}

/** What was heard and nobody took. */
class Pieces {
  #all: Float32Array[] = [];
  #isEnded = false;
  #wake = () => {};

  put(piece: Float32Array): void {
    this.#all.push(piece);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** All of it, as soon as there is some; undefined when it has ended. */
  async take(): Promise<readonly Float32Array[] | undefined> {
    while (this.#all.length === 0 && !this.#isEnded)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#all.length === 0) return undefined;
    const all = this.#all;
    this.#all = [];
    return all;
  }
}

/** Pieces of so many samples or more, at the new rate. */
async function* resampled(heard: Pieces, resampler: Resampler, least: number): AsyncGenerator<Float32Array, void, undefined> {
  let next: Float32Array[] = [];
  let length = 0;
  const put = (piece: Float32Array) => {
    next.push(piece);
    length += piece.length;
  };
  for (let some = await heard.take(); some; some = await heard.take()) {
    for (const piece of some) put(resampler.push(piece));
    if (length < least) continue;
    const all = joined(next);
    [next, length] = [[], 0];
    yield all;
  }
  put(resampler.end());
  if (length) yield joined(next);
}
