/**
 * Files of a model's folder for its tokenizer: tokenizer.json or, in older folders, the vocabulary by itself, and the
 * files beside it. This file reads and parses them; description.ts interprets them.
 */
import { HeedError } from '../errors.js';
import { templatesIn } from '../io/copied.js';
import type { Folder } from '../io/folder.js';
import { allOf, readFile, readJson } from '../io/json.js';
import { shown } from '../io/location.js';
import type { OpenOptions } from '../runtime/types.js';
import { checkKnown } from './batch.js';
import type { ChatTemplate } from './told.js';

/** Files of a model's folder, parsed. */
export interface TokenizerFiles {
  /** tokenizer.json */
  tokenizer?: unknown;
  /** tokenizer_config.json */
  config?: unknown;
  /** special_tokens_map.json, which older models have; read where tokenizer_config.json has no added_tokens_decoder. */
  specialTokens?: unknown;
  /** added_tokens.json, of older models: { "<token>": id } */
  addedTokens?: unknown;
  /** config.json, whose model_type names the tokenizer's class where tokenizer_config.json does not. */
  model?: unknown;
  /** The lines of vocab.txt, where there is no tokenizer.json. */
  vocabTxt?: string | undefined;
  /** vocab.json, and the lines of merges.txt where its pieces are merged, where there is no tokenizer.json. */
  vocabJson?: unknown;
  mergesTxt?: string | undefined;
  /** chat_template.jinja */
  chatTemplate?: string | undefined;
  /** Templates of additional_chat_templates, by name. */
  chatTemplates?: Readonly<Record<string, string>> | undefined;
  /** `true` where texts are lower-cased first, whatever the files say. */
  lowercase?: boolean;
}

const behind = new WeakMap<object, TokenizerFiles>();
/** Remembers what a tokenizer was made of. */
export const madeOf = <T extends object>(tokenizer: T, files: TokenizerFiles): T => {
  behind.set(tokenizer, files);
  return tokenizer;
};
/** What a tokenizer was made of. */
export const filesBehind = (tokenizer: object): TokenizerFiles | undefined => behind.get(tokenizer);

/** SentencePiece's own files, as models have them. */
const sentencePiece = ['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model', 'sentencepiece.model', 'spm.model', 'source.spm'];

/** Reads a folder's files for its tokenizer. Throws NOT_FOUND where there are none, UNSUPPORTED where there is SentencePiece's file alone. */
export async function tokenizerFilesOf(folder: Folder, options: OpenOptions = {}): Promise<TokenizerFiles> {
  checkKnown(options, ['signal']);
  const { signal } = options;
  const json = (file: string) => readJson(folder, file, { signal, optional: true });
  const text = async (file: string) => {
    const bytes = await readFile(folder, file, { signal, optional: true });
    return bytes && new TextDecoder().decode(bytes);
  };
  const [tokenizer, config, specialTokens, addedTokens, model, chatTemplate] = await allOf([
    json('tokenizer.json'),
    json('tokenizer_config.json'),
    json('special_tokens_map.json'),
    json('added_tokens.json'),
    json('config.json'),
    text('chat_template.jinja'),
  ]);
  const others = chatTemplate === undefined ? [] : await templatesIn(folder, options);
  const named = await allOf(others.map(async ([name, file]) => [name, await text(file)] as const));
  const chatTemplates = Object.fromEntries(named.filter((one): one is readonly [string, string] => one[1] !== undefined));
  const files = { tokenizer, config, specialTokens, addedTokens, model, chatTemplate, chatTemplates };
  if (tokenizer !== undefined) return files;
  const vocabTxt = await text('vocab.txt');
  if (vocabTxt !== undefined) return { ...files, vocabTxt };
  const [vocabJson, mergesTxt] = await allOf([json('vocab.json'), text('merges.txt')]);
  if (vocabJson !== undefined) return { ...files, vocabJson, mergesTxt };
  for (const file of sentencePiece)
    if (await isThere(folder, file, options))
      throw new HeedError('UNSUPPORTED', `${shown(folder.locate(file))} is SentencePiece's, and there is no tokenizer.json beside it`, {
        culprit: file,
        cure: "Write tokenizer.json with Hugging Face's transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)",
      });
  // Reading the missing file throws NOT_FOUND.
  return { ...files, tokenizer: await readJson(folder, 'tokenizer.json', { signal }) };
}

async function isThere(folder: Folder, file: string, options: OpenOptions): Promise<boolean> {
  try {
    await (await folder.open(file, options)).close();
    return true;
  } catch (error) {
    if (error instanceof HeedError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

/** Chat template: chat_template.jinja, with additional templates by name, else tokenizer_config.json's, which may have several: [{"name": …, "template": …}]. */
export function chatTemplateOf({ chatTemplate, chatTemplates = {} }: TokenizerFiles, own: unknown): ChatTemplate | undefined {
  if (chatTemplate !== undefined && Object.keys(chatTemplates).length) return { ...chatTemplates, default: chatTemplate };
  if (chatTemplate !== undefined || typeof own === 'string') return chatTemplate ?? (own as string);
  const named = Array.isArray(own) ? own.filter((one) => typeof one?.name === 'string' && typeof one.template === 'string') : [];
  return named.length ? Object.fromEntries(named.map(({ name, template }) => [name, template])) : undefined;
}
