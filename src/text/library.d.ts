/**
 * The part of @huggingface/tokenizers 0.2.0 that heed uses. Its own declarations cannot be used: they import each other
 * without file endings, which `moduleResolution: nodenext` does not find.
 */
declare module '@huggingface/tokenizers' {
  class Part {
    constructor(config: object);
    readonly pattern: RegExp | null;
  }
  export class ReplaceNormalizer extends Part {}
  export class SplitPreTokenizer extends Part {}

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
