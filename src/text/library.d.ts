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
  export class Environment {
    set(name: string, value: unknown): unknown;
  }
  export class Interpreter {
    constructor(environment: Environment);
    run(program: object): { readonly value: unknown };
    evaluate(statement: object | undefined, environment: Environment): { readonly value: unknown };
  }
  export function tokenize(source: string, options: { lstrip_blocks: boolean; trim_blocks: boolean }): readonly object[];
  export function parse(tokens: readonly object[]): object;
}
