/**
 * transformers.js's TextStreamer: generated text in pieces that later tokens will not change: whole words, and characters of scripts that
 * are written without spaces. `generate` takes it as `streamer` and passes it tokens; it serves one sequence at a time.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { commonLength } from './common_length.js';
import type { Streamer } from './sequence.js';

/** Part of a tokenizer that a streamer needs. */
export interface TextDecoder {
  /** Decodes tokens to a text. */
  decode(ids: Iterable<number | bigint>, options?: object): string;
}

/** Options of TextStreamer. */
export interface TextStreamerOptions {
  /** `true`: the tokens of the prompt are left out. Default false. */
  skip_prompt?: boolean | undefined;
  /** `true`: special tokens are left out. Default true. */
  skip_special_tokens?: boolean | undefined;
  /** Further options for the tokenizer's `decode`. */
  decode_kwargs?: Readonly<Record<string, unknown>> | undefined;
  /** Receives every piece of text. Default: whole lines are written with console.log. */
  callback_function?: ((text: string) => void) | undefined;
  /** Gets the tokens before they are text. */
  token_callback_function?: ((tokens: number[]) => void) | undefined;
}

const optionNames = ['skip_prompt', 'skip_special_tokens', 'decode_kwargs', 'callback_function', 'token_callback_function'];

/** Ends with a character that is a word of its own: characters before it change no more. */
const ideograph = /\p{Script=Han}$/u;

/**
 * Streams the text that `generate` writes, in pieces that later tokens will not change. For one sequence at a time, without beams.
 * @example
 * ```js
 * const streamer = new TextStreamer(tokenizer, { skip_prompt: true, callback_function: (text) => process.stdout.write(text) });
 * await model.generate({ ...tokenizer('Hello.'), streamer });
 * ```
 */
export class TextStreamer implements Streamer {
  readonly #decode: (tokens: readonly number[]) => string;
  readonly #skipsPrompt: boolean;
  readonly #onText: (text: string) => void;
  readonly #onTokens: ((tokens: number[]) => void) | undefined;
  #tokens: number[] = [];
  /** Characters of the tokens' text that have been told. */
  #told = 0;
  /** Strings that end the text; none of their characters are streamed. */
  #stops: readonly string[] = [];
  /** End of the text before the current tokens, in which such a string may begin. */
  #before = '';
  /** The tokens' text before the last of them came. */
  #earlier = '';
  #isPrompt = true;
  /** The beginning of a line, where lines are written. */
  #line = '';

  constructor(
    /** Tokenizer that decodes the tokens. */
    readonly tokenizer: TextDecoder,
    options: TextStreamerOptions = {},
  ) {
    checkOptions(options, optionNames, 'TextStreamer');
    if (typeof tokenizer?.decode !== 'function')
      throw new HeedError('ARGUMENT', `TextStreamer: the tokenizer is ${kindOf(tokenizer)}`, { culprit: 'tokenizer' });
    const { skip_prompt = false, skip_special_tokens = true, decode_kwargs, callback_function, token_callback_function } = options;
    for (const [name, value] of Object.entries({ callback_function, token_callback_function }))
      if (value !== undefined && typeof value !== 'function')
        throw new HeedError('ARGUMENT', `TextStreamer: ${name} is ${kindOf(value)}`, { culprit: name, cure: 'Give a function' });
    for (const [name, value] of Object.entries({ skip_prompt, skip_special_tokens }))
      if (typeof value !== 'boolean')
        throw new HeedError('ARGUMENT', `TextStreamer: ${name} is ${kindOf(value)}`, { culprit: name, cure: 'It must be true or false' });
    this.#decode = (tokens) => tokenizer.decode(tokens, { skip_special_tokens, ...decode_kwargs });
    this.#skipsPrompt = skip_prompt;
    this.#onText = callback_function ?? ((text) => this.#write(text));
    this.#onTokens = token_callback_function;
  }

  /** Sets strings that end the text, which is streamed without the one that ends it. */
  stopsAt(strings: readonly string[]): void {
    this.#stops = strings;
  }

  /** The tokens that came: one row of them, the sequence's first tokens first. */
  put(rows: number[][]): void {
    if (rows.length !== 1)
      throw new HeedError('ARGUMENT', `A TextStreamer tells of one sequence, not of ${rows.length}`, {
        culprit: 'streamer',
        cure: 'Generate for one text at a time',
      });
    const isPrompt = this.#isPrompt;
    this.#isPrompt = false;
    const tokens = rows[0] as number[];
    if (isPrompt && this.#skipsPrompt) {
      if (this.#stops.length) this.#keep(this.#decode(tokens));
      return;
    }
    this.#onTokens?.(tokens);
    this.#tokens.push(...tokens);
    const text = this.#decode(this.#tokens);
    // The prompt may contain a stop string, or the beginning of one.
    const free = isPrompt ? text.length : this.#stopIn(text, true);
    if (free === text.length && (isPrompt || text.endsWith('\n'))) {
      this.#tell(text, text.length);
      this.#forget();
      this.#keep(text);
      return;
    }
    const whole = ideograph.test(text) ? text.length : text.lastIndexOf(' ') + 1;
    this.#tell(text, Math.min(whole, free));
    this.#earlier = text;
  }

  /** The end of the sequence: the rest of its text. */
  end(): void {
    const text = this.#decode(this.#tokens);
    this.#earlier = this.#decode(this.#tokens.slice(0, -1));
    this.#tell(text, this.#stopIn(text, false));
    this.#forget();
    this.#stops = [];
    this.#before = '';
    this.#isPrompt = true;
    if (this.#line) this.#write('\n');
  }

  #tell(text: string, until: number): void {
    const piece = text.slice(this.#told, until);
    this.#told = Math.max(this.#told, until);
    if (piece) this.#onText(piece);
  }

  #forget(): void {
    this.#tokens = [];
    this.#told = 0;
    this.#earlier = '';
  }

  /** Keeps the end of a text already streamed, as much as can begin a stop string. */
  #keep(text: string): void {
    const longest = this.#stops.reduce((most, { length }) => Math.max(most, length), 1);
    this.#before = (this.#before + text).slice(Math.max(0, this.#before.length + text.length + 1 - longest));
  }

  /** Index in the text of a stop string that ends in its last token or, where more tokens may come, of an incomplete one at the end; the text's length where there is none. */
  #stopIn(text: string, mayGoOn: boolean): number {
    const all = this.#before + text;
    const fresh = this.#before.length + commonLength(text, this.#earlier);
    const begins = this.#stops.flatMap((stop) => {
      for (let at = Math.max(0, fresh - stop.length + 1); at < all.length; at++)
        if (all.startsWith(stop, at) || (mayGoOn && stop.startsWith(all.slice(at)))) return [Math.max(0, at - this.#before.length)];
      return [];
    });
    return Math.min(text.length, ...begins);
  }

  #write(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) console.log(line);
  }
}
