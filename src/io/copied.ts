/** Files beside a model's weights, read as they are, so that they can be written elsewhere without loss. */
import type { Folder } from './folder.js';
import { readFile } from './json.js';

/** Contents of files, by the files' names. */
export type Files = readonly (readonly [name: string, bytes: Uint8Array])[];

/** Possible names of a tokenizer's files. heed reads tokenizer.json, or a vocabulary alone; the others serve other libraries. */
export const tokenizerFiles = [
  ...['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'vocab.txt', 'vocab.json', 'merges.txt'],
  ...['chat_template.jinja', 'sentencepiece.bpe.model', 'spiece.model', 'source.spm', 'target.spm'],
];

/** Reads those of the named files that a folder has. */
export async function filesOf(folder: Folder, names: readonly string[], signal?: AbortSignal): Promise<Files> {
  const found: [string, Uint8Array][] = [];
  for (const name of names) {
    const bytes = await readFile(folder, name, { optional: true, signal });
    if (bytes) found.push([name, bytes]);
  }
  return found;
}
