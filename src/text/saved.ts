/**
 * Saving of a tokenizer's files. The files are copied unchanged, so that nothing of them is lost; settings that a program has changed go into tokenizer_config.json,
 * and into an older file where that would take precedence.
 */
import { HeedError, kindOf } from '../errors.js';
import { tokenizerIn } from '../io/copied.js';
import type { Folder } from '../io/folder.js';
import type { JsonObject } from '../io/json.js';
import { respell } from '../io/respell.js';
import type { Runtime } from '../runtime/types.js';

/** Origin of a tokenizer's files, and the runtime that writes them elsewhere. */
export interface TokenizerOrigin {
  readonly folder: Folder;
  readonly runtime: Runtime;
}

const [CONFIG, OLDER, TEMPLATE] = ['tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'] as const;
const [EXTRA, ADDITIONAL] = ['extra_special_tokens', 'additional_special_tokens'] as const;

/** Changes of a tokenizer since its files were read. */
interface Changes {
  /** Class that tokenizer_config.json must name where config.json, which names it now, is not beside it. */
  readonly className: string | undefined;
  /** Keys of tokenizer_config.json that were set; null where one was removed. */
  readonly news: JsonObject;
  /** Tokens that have lost a role, and stay special. */
  readonly retired: readonly string[];
}

/** Saves a tokenizer. Throws ARGUMENT for a value that is no folder, UNSUPPORTED for a tokenizer without files, or where none can be written, STORAGE. */
export async function saveTokenizer(origin: TokenizerOrigin | undefined, to: string, changes: Changes): Promise<void> {
  if (typeof to !== 'string' || to === '')
    throw new HeedError('ARGUMENT', `save_pretrained: folder is ${kindOf(to)}`, { culprit: 'folder', cure: 'Give a path' });
  if (!origin)
    throw new HeedError('UNSUPPORTED', 'This tokenizer was not loaded from a folder, and has no files', {
      culprit: 'tokenizer',
      cure: 'Load it with AutoTokenizer.from_pretrained',
    });
  const { folder, runtime } = origin;
  const files = new Map(await tokenizerIn(folder));
  rewrite(files, changes);
  for (const [name, bytes] of files) await runtime.writeFile(runtime.join(to, name), [bytes]);
}

function rewrite(files: Map<string, Uint8Array>, { className, news, retired }: Changes): void {
  const encode = (text: string) => new TextEncoder().encode(text);
  const change = (file: string, changes: JsonObject) => {
    const before = files.get(file);
    const text = before && new TextDecoder().decode(before);
    const old: JsonObject = JSON.parse(text ?? '{}');
    const listed = (key: string) => (Array.isArray(old[key]) ? (old[key] as unknown[]) : []);
    const key = listed(EXTRA).length ? EXTRA : ADDITIONAL;
    const keep = retired.length && (file === CONFIG || key in old) ? { [key]: [...listed(key), ...retired] } : {};
    const all = { ...changes, ...keep };
    if (Object.keys(all).length) files.set(file, encode(respell({ ...old, ...all }, text)));
  };
  const { chat_template: template, ...others } = news;
  if (template !== undefined) for (const file of [...files.keys()]) if (file.endsWith('.jinja')) files.delete(file);
  if (typeof template === 'string') files.set(TEMPLATE, encode(template));
  const several =
    typeof template === 'object' && template !== null && Object.entries(template).map(([name, template]) => ({ name, template }));
  change(CONFIG, {
    ...others,
    ...(template !== undefined && { chat_template: several || undefined }),
    ...(className !== undefined && { tokenizer_class: className }),
  });
  if (files.has(OLDER)) change(OLDER, Object.fromEntries(Object.entries(others).filter(([key]) => key.endsWith('_token'))));
}
