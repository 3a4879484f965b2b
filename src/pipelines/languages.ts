/**
 * A model's tasks in its config.json: `task_specific_params`, as in T5. An entry has a prefix that is put before each text, and options of the
 * generation. An entry `translation_en_to_zh` is a direction, which is chosen by the languages of a call, in the config's own codes, or else by the text's script. A model without
 * directions may have languages in its tokenizer.
 */
import { HeedError } from '../errors.js';
import { type GenerationConfig, generationConfigIn } from '../generation/config.js';
import { JsonNode, type JsonObject } from '../io/json.js';
import type { CallableTokenizer } from '../text/tokenizer.js';
import { LanguageTokens } from './language_tokens.js';

/** Form in which a text is given to the model. */
export interface Route {
  prefix: string;
  /** Generation settings of the task. */
  wishes: GenerationConfig;
  /** The tokens of a source, told in which language it is. Default: as they are. */
  marked?(ids: number[]): number[];
}

interface Direction extends Route {
  src: string;
  tgt: string;
}

export interface Languages {
  /** The language of the texts, in the model's own codes. Default: the only one, or what their script tells. */
  src_lang?: string | undefined;
  /** The language that they are to be in. Default: the only one; ARGUMENT where the model must be told. */
  tgt_lang?: string | undefined;
}

/** Scripts that comprise several of Unicode's; ISO 15924. */
const scripts: Readonly<Record<string, readonly string[]>> = {
  Hans: ['Hani'],
  Hant: ['Hani'],
  Jpan: ['Hani', 'Hira', 'Kana'],
  Kore: ['Hang', 'Hani'],
};

export class Routes {
  /** Route of texts whose language does not matter. */
  readonly #plain: Route;
  readonly #directions: readonly Direction[];
  readonly #tokens: LanguageTokens | undefined;

  constructor(json: JsonObject, task: string, tokenizer?: CallableTokenizer, generation: GenerationConfig = {}) {
    const config = JsonNode.of('config.json', json);
    const all = config.get('task_specific_params') === undefined ? undefined : config.object('task_specific_params');
    const general = config.string('prefix', '');
    const route = (name: string): Route => {
      const node = all?.get(name) === undefined ? undefined : all.object(name);
      return { prefix: general + (node?.string('prefix', '') ?? ''), wishes: node ? generationConfigIn(node) : {} };
    };
    this.#plain = route(task);
    this.#directions = Object.keys(all?.value ?? {}).flatMap((name) => {
      const [, src, tgt] = /^translation_(.+)_to_(.+)$/.exec(name) ?? [];
      return task === 'translation' && src && tgt ? [{ ...route(name), src, tgt }] : [];
    });
    const tokens = tokenizer && task === 'translation' ? new LanguageTokens(tokenizer, generation) : undefined;
    this.#tokens = tokens?.codes.length ? tokens : undefined;
  }

  /** The languages that config.json names, each once; none where texts are not told apart by them. */
  get languages(): { from: string[]; to: string[] } {
    const list = (side: 'src' | 'tgt') => [...new Set(this.#directions.map((direction) => direction[side]))];
    return { from: list('src'), to: list('tgt') };
  }

  /** The route for a text. Throws ARGUMENT for languages that the model does not know, and where it must be told. */
  of(text: string, { src_lang, tgt_lang }: Languages): Route {
    const tokens = this.#tokens;
    if (tokens && (!this.#directions.length || tokens.has(src_lang) || tokens.has(tgt_lang)))
      return tokens.route({ src_lang, tgt_lang }, this.#plain);
    if (!this.#directions.length) {
      if (src_lang === undefined && tgt_lang === undefined) return this.#plain;
      const culprit = tgt_lang === undefined ? 'src_lang' : 'tgt_lang';
      const cure = 'Leave it out, or put into the text what its model card says';
      throw new HeedError('UNSUPPORTED', `translation: neither this model's config.json nor its tokenizer names languages`, {
        culprit,
        cure,
      });
    }
    const may = this.#directions.filter(({ src, tgt }) => (src_lang ?? src) === src && (tgt_lang ?? tgt) === tgt);
    const source = likeliest([...new Set(may.map(({ src }) => src))], text);
    const [first, ...more] = may.filter(({ src }) => src === source);
    const cure = `It translates ${this.#directions.map(({ src, tgt }) => `${src} to ${tgt}`).join(', ')}`;
    if (!first)
      throw new HeedError('ARGUMENT', `translation: the model does not translate ${src_lang ?? 'anything'} to ${tgt_lang ?? 'anything'}`, {
        culprit: tgt_lang === undefined ? 'src_lang' : 'tgt_lang',
        cure,
      });
    if (more.length) throw new HeedError('ARGUMENT', `translation: into which language?`, { culprit: 'tgt_lang', cure });
    return first;
  }
}

/** Characters that are looked at: the beginning of a book tells its script. */
const LOOKED_AT = 1 << 16;

/** Language in whose script most of a text is written; of equals, the first. */
function likeliest(languages: readonly string[], whole: string): string | undefined {
  if (languages.length < 2) return languages[0];
  const text = whole.slice(0, LOOKED_AT);
  const counts = languages.map((language) => text.match(lettersOf(language))?.length ?? 0);
  return languages[counts.indexOf(Math.max(...counts))];
}

/** Pattern of a language's letters; matches nothing where the script is unknown. */
function lettersOf(language: string): RegExp {
  try {
    const script = new Intl.Locale(language).maximize().script ?? '';
    return new RegExp(`[${(scripts[script] ?? [script]).map((name) => `\\p{Script=${name}}`).join('')}]`, 'gu');
  } catch {
    return /(?!)/g;
  }
}
