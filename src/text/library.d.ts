/**
 * The part of @huggingface/tokenizers 0.2.0 that heed uses. Its own declarations cannot be used: they import each other
 * without file endings, which `moduleResolution: nodenext` does not find.
 */
declare module '@huggingface/tokenizers' {
  class Normalizer {
    constructor(config: object);
    normalize(text: string): string;
  }
  export class PrecompiledNormalizer extends Normalizer {}
  export class ReplaceNormalizer extends Normalizer {}

  class PreTokenizer {
    constructor(config: object);
    pre_tokenize_text(text: string): string[];
  }
  export class ByteLevelPreTokenizer extends PreTokenizer {}
  export class SplitPreTokenizer extends PreTokenizer {}

  class Model {
    readonly vocab: string[];
    readonly tokens_to_ids: Map<string, number>;
    readonly unk_token_id: number | undefined;
    readonly fuse_unk: boolean;
  }
  export class BPE extends Model {
    constructor(config: object);
    encode(words: string[]): string[];
  }
  export class Unigram extends Model {
    constructor(config: object, eosToken: string);
    tokenize(word: string): string[];
  }

  export class Decoder {
    added_tokens: readonly { content: string }[];
    constructor(config: object);
    decode_chain(tokens: string[]): string[];
  }
  export class BPEDecoder extends Decoder {}
  export class ByteFallbackDecoder extends Decoder {}
  export class ByteLevelDecoder extends Decoder {}
  export class CTCDecoder extends Decoder {}
  export class FuseDecoder extends Decoder {}
  export class ReplaceDecoder extends Decoder {}
  export class StripDecoder extends Decoder {}
  export class WordPieceDecoder extends Decoder {}
}
