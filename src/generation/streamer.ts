/**
 * transformers.js's TextStreamer: text as it is generated, in pieces that what comes later will not change: whole words, and characters of scripts that
 * are written without spaces. It is given to `generate` as `streamer`, which tells it of tokens; it can be used for one sequence at a time.
 */
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { commonLength } from './common_length.js';
import type { Streamer } from './sequence.js';

/** What of a tokenizer a streamer needs. */
export interface TextDecoder {
  /** The text of tokens. */
  decode(ids: Iterable<number | bigint>, options?: object): string;
}

/** Options of TextStreamer. */
export interface TextStreamerOptions {
  /** Whether the tokens that the sequence starts with are left out. Default false. */
  skip_prompt?: boolean | undefined;
  /** Default true. */
  skip_special_tokens?: boolean | undefined;
  /** Further options for the tokenizer's `decode`. */
  decode_kwargs?: Readonly<Record<string, unknown>> | undefined;
  /** Gets every piece of text. Default: whole lines are written with console.log. */
  callback_function?: ((text: string) => void) | undefined;
  /** Gets the tokens before they are text. */
  token_callback_function?: ((tokens: number[]) => void) | undefined;
}

const optionNames = ['skip_prompt', 'skip_special_tokens', 'decode_kwargs', 'callback_function', 'token_callback_function'];

/** A character that is a word of its own: those that stand before it change no more. */
const ideograph = /\p{Script=Han}$/u;

/**
 * Text as `generate` writes it, in pieces that what comes later will not change. For one sequence at a time, without beams.
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
  /** Strings that end the text: no part of them is told. */
  #stops: readonly string[] = [];
  /** The end of what stood before the tokens' text, in which such a string may begin. */
  #before = '';
  /** The tokens' text before the last of them came. */
  #earlier = '';
  #isPrompt = true;
  /** The beginning of a line, where lines are written. */
  #line = '';

  constructor(
    /** What makes text of tokens. */
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

  /** Strings that end the text, which is told without the one that does. */
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
    // What was given may well hold such a string, or its beginning.
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

  /** Keeps of a text that was told as much as a string may begin with. */
  #keep(text: string): void {
    const longest = this.#stops.reduce((most, { length }) => Math.max(most, length), 1);
    this.#before = (this.#before + text).slice(Math.max(0, this.#before.length + text.length + 1 - longest));
  }

  /** Where in the tokens' text a string begins that their last one ends, or, where more may come, one that is not whole yet; the text's length where there is none. */
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
