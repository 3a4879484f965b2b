/**
 * The languages of a multilingual translator (M2M100, NLLB, mBART): its tokenizer has a token for each, which stands among the special tokens of a source, and with which a
 * translation begins. Language tokens are recognised by their spelling, as in transformers.js.
 */
import { HeedError } from '../errors.js';
import type { GenerationConfig } from '../generation/config.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import type { Languages, Route } from './languages.js';

/** Spellings of language tokens: M2M100's `__en__`, with the code between the marks; NLLB's `eng_Latn`; mBART's `en_XX`. */
const spelling = /^(?:__([a-z]{2,3})__|([a-z]{3}_[A-Z][a-z]{3}|[a-z]{2}_[A-Z]{2}))$/;

export class LanguageTokens {
  readonly #routes = new Map<string, Route>();
  readonly #tokenizer: CallableTokenizer;
  readonly #generation: GenerationConfig;
  /** The ids of their tokens, by their codes. */
  readonly #ids: ReadonlyMap<string, number>;

  constructor(tokenizer: CallableTokenizer, generation: GenerationConfig) {
    this.#tokenizer = tokenizer;
    this.#generation = generation;
    const found = tokenizer.all_special_tokens.flatMap((token): [string, number][] => {
      const [, between, whole] = spelling.exec(token) ?? [];
      const code = between ?? whole;
      return code === undefined ? [] : [[code, tokenizer.token_to_id(token) as number]];
    });
    this.#ids = new Map(found);
  }

  /** Codes of the languages; an empty list where the tokenizer has no language tokens. */
  get codes(): string[] {
    return [...this.#ids.keys()];
  }

  has(code: string | undefined): boolean {
    return code !== undefined && this.#ids.has(code);
  }

  /** A way from one to another, the same for the same languages. Throws ARGUMENT for a language that there is not, and where the model must be told one. */
  route({ src_lang, tgt_lang }: Languages, plain: Route): Route {
    const key = `${src_lang}\n${tgt_lang}`;
    const route = this.#routes.get(key) ?? {
      ...plain,
      ...this.#reading(src_lang),
      wishes: { ...plain.wishes, ...this.#writing(tgt_lang) },
    };
    this.#routes.set(key, route);
    return route;
  }

  /** Generation options for a target language: the decoder's start token where that is a language (mBART), else the first generated token. */
  #writing(code: string | undefined): GenerationConfig {
    const { decoder_start_token_id: start, forced_bos_token_id: first } = this.#generation;
    const all = [...this.#ids.values()];
    const begins = all.includes(start as number);
    if (code === undefined && (begins || all.includes(first as number))) return {};
    const id = this.#idOf('tgt_lang', code);
    return begins ? { decoder_start_token_id: id } : { forced_bos_token_id: id };
  }

  /** Exchanges the language that the tokenizer puts around a source; without one, that stays. */
  #reading(code: string | undefined): Pick<Route, 'marked'> {
    if (code === undefined) return {};
    const id = this.#idOf('src_lang', code);
    const around = this.#tokenizer.encode('');
    const own = [...this.#ids.values()];
    const at = around.findIndex((token) => own.includes(token));
    if (at < 0)
      throw new HeedError('UNSUPPORTED', 'translation: the tokenizer puts no language around a text', {
        culprit: 'src_lang',
        cure: "Leave it out, and write the language's token into the text",
      });
    // Counted from the end that it is nearer to: the text is between.
    return { marked: (ids) => ids.with(at === 0 ? 0 : at - around.length, id) };
  }

  #idOf(option: 'src_lang' | 'tgt_lang', code: string | undefined): number {
    const id = this.#ids.get(code ?? '');
    if (id !== undefined) return id;
    const what = code === undefined ? 'into which language?' : `the model knows no language ${JSON.stringify(code.slice(0, 60))}`;
    throw new HeedError('ARGUMENT', `translation: ${what}`, { culprit: option, cure: `It knows ${this.codes.join(', ')}` });
  }
}
