/**
 * What a tokenizer class of Hugging Face's transformers decides about the files of a folder: the special tokens that it
 * has where no file names them, and which parts of tokenizer.json it builds anew from its own options. A class is data;
 * ../description.ts applies it. Source: transformers 5.24, tokenization_*.py of each model.
 */
import type { JsonObject } from '../../io/json.js';

export const roles = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const;
export type Role = (typeof roles)[number];

/** What AddedToken of Hugging Face's tokenizers has; `normalized` is by default what `special` is not. */
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

/** What the class's options are, whichever file they are from. */
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
  /** Without its vocabulary and its merges. */
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
  /** Of a post-processor that leaves the spaces around a token out of its offsets. */
  readonly trims?: { readonly trim_offsets: boolean; readonly add_prefix_space: boolean } | undefined;
}

export interface TokenizerClass {
  /** The model_types of config.json whose class it is where tokenizer_config.json names none. */
  readonly models?: string | undefined;
  /** Those of them of which many folders name another class, by mistake. */
  readonly misnamed?: string | undefined;
  /** Other names of the same class. */
  readonly aliases?: string | undefined;
  /** The tokens of roles by default. Null: none, even where tokenizer.json's padding has one. */
  readonly roles: { readonly [role in Role]?: string | null };
  /** How roles that are given as plain strings are added; without an entry they are special, and nothing else. */
  readonly flags?: { readonly [role in Role]?: TokenFlags } | undefined;
  /** Without it tokenizer.json's own parts stay. */
  readonly parts?: ((options: ClassOptions) => Parts) | undefined;
  /** Without it tokenizer.json's own post-processor stays. `plain`: nothing but what add_bos_token and add_eos_token say. */
  readonly around?: 'plain' | ((options: ClassOptions) => Around) | undefined;
  /** A template that counts only where tokenizer.json has one of its own, or only where it has none. */
  readonly aroundWhere?: 'present' | 'absent' | undefined;
  /** Special tokens without a role, from those that the files name. */
  readonly extras?: ((given: readonly Given[] | undefined, options: ClassOptions) => readonly Given[]) | undefined;
  /** Tokens by names of their own, beside the roles. */
  readonly named?: Readonly<Record<string, string>> | undefined;
  /** The special tokens are added a second time, by Qwen2 without their flags. */
  readonly again?: 'plain' | 'special' | undefined;
  readonly addsBos?: true | undefined;
  readonly padsLeft?: true | undefined;
}
