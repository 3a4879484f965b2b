/**
 * Tokenizer classes of Hugging Face's transformers, and how they change the files of a folder: the special tokens that a class
 * has where no file names them, and the parts of tokenizer.json that it rebuilds from its own options. A class is data;
 * ../description.ts applies it. Source: transformers 5.24, tokenization_*.py of each model.
 */
import type { JsonObject } from '../../io/json.js';

export const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
export type Role = (typeof roles)[number];

/** Flags of AddedToken in Hugging Face's tokenizers; `normalized` is by default the opposite of `special`. */
export interface TokenFlags {
  readonly single_word?: boolean | undefined;
  readonly lstrip?: boolean | undefined;
  readonly rstrip?: boolean | undefined;
  readonly normalized?: boolean | undefined;
  readonly special?: boolean | undefined;
}

/** A token as the files write it. */
export interface Token extends TokenFlags {
  readonly content: string;
}

/** A token as Python has it: the content alone, or an AddedToken. */
export type Given = string | Token;
export const contentOf = (token: Given): string => (typeof token === 'string' ? token : token.content);

/** Options of the class, from any file. */
export interface ClassOptions {
  flag(name: string, absent: boolean): boolean;
  get(name: string): unknown;
  string<T>(name: string, absent: T): string | T;
  /** The token of a role; none is `None`, as Python spells it. */
  token(role: Role): string;
  readonly side: 'left' | 'right';
  /** The vocabulary of tokenizer.json or of a file of its own. */
  readonly vocab: unknown;
  /** SentencePiece's table as tokenizer.json's normalizer has it. */
  readonly charsmap: JsonObject | undefined;
}

/** The parts of a tokenizer.json. */
export interface Parts {
  /** Model without its vocabulary and its merges. */
  readonly model: JsonObject;
  readonly normalizer?: JsonObject | undefined;
  readonly pre_tokenizer?: JsonObject | undefined;
  readonly decoder: JsonObject;
}

/**
 * Templates in words: `$A` and `$B` for the texts, names of roles, and any other token by itself; `:1` gives a segment
 * other than 0.
 */
export interface Around {
  readonly single: string;
  readonly pair: string;
  /** Options of a post-processor that leaves the spaces around a token out of its offsets. */
  readonly trims?: { readonly trim_offsets: boolean; readonly add_prefix_space: boolean } | undefined;
}

export interface TokenizerClass {
  /** Values of config.json's model_type for which this class is used where tokenizer_config.json names none. */
  readonly models?: string | undefined;
  /** Values of these for which many folders name another class, by mistake. */
  readonly misnamed?: string | undefined;
  /** Other names of this class. */
  readonly aliases?: string | undefined;
  /** Default tokens of roles. Null: none, even where tokenizer.json's padding has one. */
  readonly roles: { readonly [role in Role]?: string | null };
  /** Flags with which roles that are plain strings are added; without an entry the tokens are special, and nothing else. */
  readonly flags?: { readonly [role in Role]?: TokenFlags } | undefined;
  /** Maker of parts. Default: tokenizer.json's own parts stay. */
  readonly parts?: ((options: ClassOptions) => Parts) | undefined;
  /** Maker of the template. Default: tokenizer.json's own post-processor stays. `plain`: only the tokens of add_bos_token and add_eos_token. */
  readonly around?: 'plain' | ((options: ClassOptions) => Around) | undefined;
  /** Condition of the template: only where tokenizer.json has a template of its own, or only where it has none. */
  readonly aroundWhere?: 'present' | 'absent' | undefined;
  /** Special tokens without a role, from those that the files name. */
  readonly extras?: ((given: readonly Given[] | undefined, options: ClassOptions) => readonly Given[]) | undefined;
  /** Tokens with names of their own, beside the roles. */
  readonly named?: Readonly<Record<string, string>> | undefined;
  /** Keys of tokenizer_config.json that name a piece like any other, for all that they end in _token. */
  readonly plain?: readonly string[] | undefined;
  /** Second addition of the special tokens, by Qwen2 without their flags. */
  readonly again?: 'plain' | 'special' | undefined;
  readonly addsBos?: true | undefined;
  readonly padsLeft?: true | undefined;
}
