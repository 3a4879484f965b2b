/**
 * The class of a folder's tokenizer, which tokenizer_config.json names, or config.json's model_type. As in
 * transformers 5.24, models/auto/tokenization_auto.py; an unknown class leaves tokenizer.json as it is.
 */
import { HeedError } from '../../errors.js';
import { JsonNode } from '../../io/json.js';
import type { TokenizerClass } from './class.js';
import { encoderClasses } from './encoders.js';

/** Tokenizer classes, for `registerTokenizers`. */
export interface TokenizerTable {
  /** Classes by name: Bert for BertTokenizer and BertTokenizerFast. */
  readonly classes: Readonly<Record<string, TokenizerClass>>;
  /** Model types whose tokenizer.json stands as it is, whatever class tokenizer_config.json names. */
  readonly asTheFile: string;
}

const known = /* @__PURE__ */ new Map(/* @__PURE__ */ Object.entries(encoderClasses));
let asTheFile: string | undefined;

/** Registers tokenizer classes beside those of sentence encoders: `moreTokenizers` has all of them. `heed` has registered them, heed/core leaves it to you. */
export function registerTokenizers(table: TokenizerTable): void {
  for (const [name, kind] of Object.entries(table.classes)) known.set(name, kind);
  asTheFile = table.asTheFile;
}

const has = (words: string | undefined, word: string) => word !== '' && ` ${words ?? ''} `.includes(` ${word} `);
const find = (is: (kind: TokenizerClass) => boolean) => [...known.values()].find(is);

/** Names for tokenizer.json as it is. */
const plain = ['PreTrained', 'TokenizersBackend', 'Bloom'];

/** The class, or undefined where tokenizer.json stands as it is. `bytes`: tokenizer.json is of bytes as GPT-2 has them. */
export function classOf(model: JsonNode, config: JsonNode, bytes: boolean): TokenizerClass | undefined {
  const type = String(model.get('model_type') ?? '');
  const own = find(({ models }) => has(models, type));
  const declared = config.string('tokenizer_class', undefined) ?? model.string('tokenizer_class', undefined);
  if (declared === undefined) return own;
  const name = declared.replace(/Fast$/, '').replace(/Tokenizer$/, '');
  const given = known.get(name) ?? find(({ aliases }) => has(aliases, name));
  if (own && (given === own || has(own.misnamed, type))) return own;
  if (has(asTheFile, type) || plain.includes(name)) return undefined;
  // Llama 3's are of bytes, and many name Llama 2's class.
  if (given) return given === known.get('Llama') && bytes ? undefined : given;
  if (asTheFile !== undefined) return undefined;
  throw new HeedError('UNSUPPORTED', `heed/core has no tokenizer class ${JSON.stringify(declared.slice(0, 60))}`, {
    culprit: 'tokenizer_class',
    cure: 'Call registerTokenizers(moreTokenizers) first; both are exports of heed/core',
  });
}

/** The name by which a tokenizer_config.json alone means a class, or, without one, tokenizer.json as it is; undefined where it does so already. */
export function nameToGive(kind: TokenizerClass | undefined, [, config, bytes]: Parameters<typeof classOf>): string | undefined {
  const declared = config.string('tokenizer_class', undefined);
  const nobody = new JsonNode('config.json', '', {});
  if (declared !== undefined && kind === classOf(nobody, config, bytes)) return undefined;
  const [name] = [...known].find(([, own]) => own === kind) ?? [];
  return name === undefined ? 'PreTrainedTokenizerFast' : `${name}Tokenizer`;
}
