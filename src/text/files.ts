/**
 * What a model's folder holds for its tokenizer: tokenizer.json or, in older folders, the vocabulary by itself, and the
 * files beside it. Reads and parses them; description.ts says what they come to.
 */
import { HeedError } from '../errors.js';
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
  /** vocab.json and the lines of merges.txt, where there is no tokenizer.json. */
  vocabJson?: unknown;
  mergesTxt?: string | undefined;
  /** chat_template.jinja */
  chatTemplate?: string | undefined;
  /** `true` to lowercase texts first, whatever the files say. */
  lowercase?: boolean;
}

/** SentencePiece's own files, as models have them. */
const sentencePiece = ['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model', 'sentencepiece.model', 'spm.model', 'source.spm'];

/** Reads what a folder says of its tokenizer. Throws NOT_FOUND where that is nothing, UNSUPPORTED where it is SentencePiece's file alone. */
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
  const files = { tokenizer, config, specialTokens, addedTokens, model, chatTemplate };
  if (tokenizer !== undefined) return files;
  const vocabTxt = await text('vocab.txt');
  if (vocabTxt !== undefined) return { ...files, vocabTxt };
  const [vocabJson, mergesTxt] = await allOf([json('vocab.json'), text('merges.txt')]);
  if (vocabJson !== undefined && mergesTxt !== undefined) return { ...files, vocabJson, mergesTxt };
  for (const file of sentencePiece)
    if (await isThere(folder, file, options))
      throw new HeedError('UNSUPPORTED', `${shown(folder.locate(file))} is SentencePiece's, and there is no tokenizer.json beside it`, {
        culprit: file,
        cure: "Write tokenizer.json with Hugging Face's transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)",
      });
  // Which says that it is not there.
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

/** chat_template.jinja, else tokenizer_config.json's, which may have several: [{"name": …, "template": …}]. */
export function chatTemplateOf({ chatTemplate }: TokenizerFiles, own: unknown): ChatTemplate | undefined {
  if (chatTemplate !== undefined || typeof own === 'string') return chatTemplate ?? (own as string);
  const named = Array.isArray(own) ? own.filter((one) => typeof one?.name === 'string' && typeof one.template === 'string') : [];
  return named.length ? Object.fromEntries(named.map(({ name, template }) => [name, template])) : undefined;
}
