/** Files that stand beside a model's weights, read as they are, so that they can be written elsewhere with nothing lost. */
import { HeedError } from '../errors.js';
import type { OpenOptions } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { readFile } from './json.js';

/** Contents of files, by the files' names. */
export type Files = readonly (readonly [name: string, bytes: Uint8Array])[];

/** Names of a tokenizer's files. heed reads tokenizer.json, or a vocabulary alone; the other files serve other libraries. */
const tokenizerFiles = [
  ...['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'vocab.txt', 'vocab.json', 'merges.txt'],
  ...['chat_template.jinja', 'sentencepiece.bpe.model', 'spiece.model', 'source.spm', 'target.spm'],
];

const TEMPLATES = /^additional_chat_templates\/([^/]+)\.jinja$/;
/** Usual names of additional chat templates, which are requested where a folder cannot list its files. */
const usual = ['tool_use', 'rag'].map((name) => `additional_chat_templates/${name}.jinja`);

/** Chat templates that may lie beside chat_template.jinja: names and files. */
export async function templatesIn(folder: Folder, options: OpenOptions = {}): Promise<[name: string, file: string][]> {
  const all = await folder.list?.(options).catch((error: unknown) => {
    if (error instanceof HeedError) return undefined;
    throw error;
  });
  return (all ?? usual).flatMap((file) => {
    const [, name] = TEMPLATES.exec(file) ?? [];
    return name === undefined ? [] : [[name, file] as [string, string]];
  });
}

/** A tokenizer's files. */
export async function tokenizerIn(folder: Folder, signal?: AbortSignal): Promise<Files> {
  const files = await filesOf(folder, tokenizerFiles, signal);
  if (!files.some(([name]) => name === 'chat_template.jinja')) return files;
  return [
    ...files,
    ...(await filesOf(
      folder,
      (await templatesIn(folder, { signal })).map(([, file]) => file),
      signal,
    )),
  ];
}

/** The files among `names` that the folder has. */
export async function filesOf(folder: Folder, names: readonly string[], signal?: AbortSignal): Promise<Files> {
  const found: [string, Uint8Array][] = [];
  for (const name of names) {
    const bytes = await readFile(folder, name, { optional: true, signal });
    if (bytes) found.push([name, bytes]);
  }
  return found;
}
