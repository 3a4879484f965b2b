/** Entry file of a microphone's AudioWorklet: hands on what is heard, all channels as one, in pieces of some frames. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, made: new () => AudioWorkletProcessor): void;

/** Frames of a piece: 375 messages a second of 128 each would be many. */
const FRAMES = 2048;

class Ear extends AudioWorkletProcessor {
  #piece = new Float32Array(FRAMES);
  #length = 0;

  /** Called for every 128 frames. */
  process([channels = []]: readonly (readonly Float32Array[])[]): boolean {
    const frames = channels[0]?.length ?? 0;
    for (let i = 0; i < frames; i++) {
      let sum = 0;
      for (const channel of channels) sum += channel[i] as number;
      this.#piece[this.#length++] = sum / channels.length;
      if (this.#length === FRAMES) this.#send();
    }
    return true;
  }

  #send(): void {
    this.port.postMessage(this.#piece, [this.#piece.buffer]);
    this.#piece = new Float32Array(FRAMES);
    this.#length = 0;
  }
}

registerProcessor('heed-microphone', Ear);
