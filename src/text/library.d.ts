/**
 * The part of @huggingface/tokenizers 0.2.0 that heed uses: the translation of Oniguruma's patterns into JavaScript's. Its
 * own declarations cannot be used: they import each other without file endings, which `moduleResolution: nodenext` does
 * not find.
 */
declare module '@huggingface/tokenizers' {
  export class ReplaceNormalizer {
    constructor(config: object);
    readonly pattern: RegExp;
  }
}
