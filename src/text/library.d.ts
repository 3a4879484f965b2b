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

/** The part of @huggingface/jinja 0.5.11 that heed uses, whose own declarations have no file endings either. */
declare module '@huggingface/jinja' {
  export class Template {
    constructor(template: string);
    render(variables: Record<string, unknown>): string;
  }
}
