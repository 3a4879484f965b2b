/**
 * A tokenizer's settings, which a program may change, as in transformers: `tokenizer.padding_side = 'left'`. A changed setting holds from then on,
 * and `save_pretrained` writes it.
 */
import { HeedError, kindOf } from '../errors.js';
import { type Role, roles } from './classes/class.js';
import type { Description } from './description.js';
import type { Side } from './encoding.js';

/** A chat template in Jinja, or several by their names. */
export type ChatTemplate = string | Readonly<Record<string, string>>;

interface Values {
  padding_side: Side;
  truncation_side: Side;
  model_max_length: number | undefined;
  clean_up_tokenization_spaces: boolean;
  chat_template: ChatTemplate | undefined;
}

const isSide = (value: unknown) => value === 'left' || value === 'right';
const isTemplate = (value: unknown) =>
  value === undefined ||
  typeof value === 'string' ||
  (typeof value === 'object' && Object.values(value as object).every((one) => typeof one === 'string'));
const isLength = (value: unknown) => value === undefined || (Number.isSafeInteger(value) && (value as number) > 0);

/** Valid values of each setting. */
const kinds: { readonly [Key in keyof Values]: readonly [fits: (value: unknown) => boolean, what: string] } = {
  padding_side: [isSide, "It is 'left' or 'right'"],
  truncation_side: [isSide, "It is 'left' or 'right'"],
  model_max_length: [isLength, 'It is a whole number above 0, or undefined for no limit'],
  clean_up_tokenization_spaces: [(value) => typeof value === 'boolean', 'It is true or false'],
  chat_template: [isTemplate, 'It is a text, several by their names, or undefined'],
};

const wrong = (name: string, value: unknown, cure: string) =>
  new HeedError('ARGUMENT', `The tokenizer: ${name} is ${kindOf(value)}`, { culprit: name, cure });

/** A tokenizer's own tokens and settings. Throws ARGUMENT when one is set to an invalid value. */
export abstract class Told {
  /** Tokens that have a role, where there are any, and their ids. Set to another token of the vocabulary, or to undefined; ids follow tokens, and tokens ids. */
  declare bos_token: string | undefined;
  /** The token that ends a text. */
  declare eos_token: string | undefined;
  /** The token for what the vocabulary does not have. */
  declare unk_token: string | undefined;
  /** The token between two texts, and behind them. */
  declare sep_token: string | undefined;
  /** Token that pads rows. */
  declare pad_token: string | undefined;
  /** Token at the beginning of a text, whose state represents the whole text. */
  declare cls_token: string | undefined;
  /** Token in whose place a token is to be predicted. */
  declare mask_token: string | undefined;
  /** Id of bos_token. */
  declare bos_token_id: number | undefined;
  /** Id of eos_token. */
  declare eos_token_id: number | undefined;
  /** Id of unk_token. */
  declare unk_token_id: number | undefined;
  /** Id of sep_token. */
  declare sep_token_id: number | undefined;
  /** Id of pad_token; rows of different length need one. */
  declare pad_token_id: number | undefined;
  /** Id of cls_token. */
  declare cls_token_id: number | undefined;
  /** Id of mask_token. */
  declare mask_token_id: number | undefined;
  /** The end at which rows are filled up. */
  declare padding_side: Side;
  /** The end at which texts are cut. */
  declare truncation_side: Side;
  /** The longest row that the model can take, in tokens; undefined where the files do not say. */
  declare model_max_length: number | undefined;
  /** `true` where `decode` removes spaces before punctuation, unless its options say otherwise. */
  declare clean_up_tokenization_spaces: boolean;
  /** The chat template as the files have it, in Jinja: one, or several by their names. */
  declare chat_template: ChatTemplate | undefined;
  /** Current settings. */
  protected readonly values: Values;
  /** Tokens by role. */
  protected readonly tokens: Map<Role, string>;
  /** Keys of tokenizer_config.json that differ from the files. */
  protected readonly changed = new Set<string>();
  /** Tokens that had a role, and are special without it. */
  protected readonly retired = new Set<string>();

  protected constructor({ tokens, sides, config }: Description, chat_template: ChatTemplate | undefined) {
    this.tokens = new Map(tokens);
    // Python writes 1e30 where it knows no limit.
    const most = config.get('model_max_length') ?? config.get('max_len');
    this.values = {
      padding_side: sides.padding,
      truncation_side: sides.truncation,
      model_max_length: typeof most === 'number' && isLength(most) && most < 2 ** 31 ? most : undefined,
      clean_up_tokenization_spaces: config.boolean('clean_up_tokenization_spaces', false),
      chat_template,
    };
  }

  /** The id of a token; undefined for none of the vocabulary. */
  abstract token_to_id(token: string): number | undefined;
  /** The token of an id; undefined for an id that no token has. */
  abstract id_to_token(id: number): string | undefined;

  /** Changed settings, as tokenizer_config.json has them; null where one was removed. */
  protected get news(): Record<string, unknown> {
    const all: Record<string, unknown> = {
      ...this.values,
      ...Object.fromEntries(roles.map((role) => [`${role}_token`, this.tokens.get(role)])),
    };
    return Object.fromEntries([...this.changed].map((key) => [key, all[key] ?? (key === 'model_max_length' ? 1e30 : null)]));
  }

  /** Assigns a role to a token of the vocabulary, or to none. */
  private give(role: Role, token: string | null | undefined): void {
    if (token !== undefined && token !== null && (typeof token !== 'string' || this.token_to_id(token) === undefined))
      throw wrong(`${role}_token`, token, 'It is a token of the vocabulary, or undefined');
    const old = this.tokens.get(role);
    if (old !== undefined) this.retired.add(old);
    if (typeof token === 'string') this.tokens.set(role, token);
    else this.tokens.delete(role);
    this.changed.add(`${role}_token`);
  }

  private set(name: keyof Values, value: unknown): void {
    // Values by which Python and transformers.js say that there is none.
    const none = name === 'model_max_length' ? value === null || value === Number.POSITIVE_INFINITY : value === null;
    const own = none ? undefined : value;
    const [fits, cure] = kinds[name];
    if (!fits(own)) throw wrong(name, value, cure);
    Object.assign(this.values, { [name]: own });
    this.changed.add(name);
  }

  static {
    const define = (name: string, get: (from: Told) => unknown, set: (to: Told, value: never) => void) =>
      Object.defineProperty(Told.prototype, name, {
        get() {
          return get(this);
        },
        set(value: never) {
          set(this, value);
        },
      });
    for (const name of Object.keys(kinds) as (keyof Values)[])
      define(
        name,
        ({ values }) => values[name],
        (to, value) => to.set(name, value),
      );
    for (const role of roles) {
      const idOf = (from: Told) => {
        const token = from.tokens.get(role);
        // A token outside the vocabulary, such as an empty text, is an unknown token to transformers.
        return token === undefined ? undefined : (from.token_to_id(token) ?? from.token_to_id(from.tokens.get('unk') ?? ''));
      };
      const tokenOf = (to: Told, id: number | null | undefined) => {
        const token = typeof id === 'number' ? to.id_to_token(id) : undefined;
        if (token === undefined && id !== undefined && id !== null)
          throw wrong(`${role}_token_id`, id, 'It is the id of a token, or undefined');
        return token;
      };
      define(
        `${role}_token`,
        ({ tokens }) => tokens.get(role),
        (to, token) => to.give(role, token),
      );
      define(`${role}_token_id`, idOf, (to, id) => to.give(role, tokenOf(to, id)));
    }
  }
}
