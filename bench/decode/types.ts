/** What the sides of `bench decode` are told, and what they tell. */

export interface DecodeArgs {
  /** What a program locates: `models/…`. */
  model: string;
  threads: number;
  /** Lengths of prompts. */
  prompts: readonly number[];
  /** How many tokens are written behind each. */
  tokens: number;
}

/** Tokens a second: of a prompt, and of what was written behind it. */
export interface Rates {
  prompt: number;
  decode: number;
}

export interface Decoded {
  /** Of the peer. */
  version: string;
  threads: number;
  /** By the length of the prompt. */
  rates: Record<number, Rates>;
}

/** A prompt of T tokens: those of common words. */
export const promptOf = (T: number): number[] => Array.from({ length: T }, (_, i) => 1000 + ((i * 7919) % 20_000));

/** Times a text's tokens as they come: the first after the prompt, then the others. */
export class Stopwatch {
  readonly #began = performance.now();
  readonly #at: number[] = [];

  tick(): void {
    this.#at.push(performance.now());
  }

  rates(T: number): Rates {
    const [first = Number.NaN] = this.#at;
    return { prompt: (T / (first - this.#began)) * 1000, decode: ((this.#at.length - 1) / ((this.#at.at(-1) as number) - first)) * 1000 };
  }
}
