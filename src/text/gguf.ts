/**
 * A tokenizer from a GGUF file's metadata, in the form of Hugging Face's files: tokenizer.json and tokenizer_config.json. GGUF holds pieces, their
 * kinds, merges or scores, and the name of a pre-tokenizer (llama.cpp's llama-vocab.cpp says what each name stands for).
 */
import type { GgufMetadata } from '../io/gguf.js';
import type { GgufTexts } from '../io/gguf_texts.js';
import { malformed, quote } from '../io/header.js';
import { CONTROL, type Pieces, tokenizerKinds, UNKNOWN, USER_DEFINED } from './gguf_models.js';
import { GgufReader } from './gguf_reader.js';

/** Tokens with a role, by transformers' names and GGUF's. Older files name cls; the odd spelling is GGUF's own. */
const roles = { bos: 'bos', eos: 'eos', unk: 'unknown', sep: 'seperator', pad: 'padding', cls: 'cls', mask: 'mask' } as const;
type Roles = Partial<Record<keyof typeof roles, string | undefined>>;

const rolesIn = (read: GgufReader, tokens: Pick<GgufTexts, 'length' | 'at'>): Roles =>
  Object.fromEntries(Object.entries(roles).map(([role, theirs]) => [role, read.token(theirs, tokens)]));

/** tokenizer.json of a file; undefined where it has no tokenizer. Throws FORMAT, and UNSUPPORTED for a kind that heed does not have. */
export function tokenizerInGguf(file: string, metadata: GgufMetadata): object | undefined {
  const read = new GgufReader(file, metadata);
  const name = read.text('tokenizer.ggml.model');
  const tokens = read.texts('tokenizer.ggml.tokens');
  if (name === undefined || tokens === undefined) return undefined;
  const kinds = read.numbers('tokenizer.ggml.token_type') ?? new Int32Array(tokens.length).fill(1);
  const scores = read.numbers('tokenizer.ggml.scores');
  for (const list of [kinds, ...(scores ? [scores] : [])])
    if (list.length !== tokens.length) throw malformed(file, `has ${tokens.length} tokens, and says of ${list.length} what they are`);
  const kind = Object.hasOwn(tokenizerKinds, name) ? tokenizerKinds[name] : undefined;
  if (!kind) throw read.unsupported('tokenizer.ggml.model', quote(name));
  const pieces = { tokens, kinds, scores, merges: read.texts('tokenizer.ggml.merges') };
  const own = rolesIn(read, tokens);
  return {
    version: '1.0',
    added_tokens: addedTokens(pieces, name === 'bert' ? undefined : own.mask),
    ...kind.parts(read, pieces),
    post_processor: around(read, kind.habits(read), own, tokens),
  };
}

/** tokenizer_config.json of a file; undefined where it has no tokenizer. Throws FORMAT. */
export function tokenizerConfigInGguf(file: string, metadata: GgufMetadata): object | undefined {
  const read = new GgufReader(file, metadata);
  const tokens = read.texts('tokenizer.ggml.tokens');
  if (read.text('tokenizer.ggml.model') === undefined || tokens === undefined) return undefined;
  const own = rolesIn(read, tokens);
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...Object.fromEntries(Object.entries(own).map(([role, token]) => [`${role}_token`, token])),
    pad_token: own.pad ?? own.eos,
    chat_template: templates(read),
    clean_up_tokenization_spaces: false,
  };
}

/** Tokens that are looked for before all others. Words before a mask that is to be guessed keep no space of their own, where models have spaces before words. */
const addedTokens = ({ tokens, kinds }: Pieces, mask: string | undefined): object[] =>
  Array.from(kinds).flatMap((kind, id) => {
    if (kind !== CONTROL && kind !== USER_DEFINED && kind !== UNKNOWN) return [];
    const content = tokens.at(id) as string;
    const flags = { single_word: false, lstrip: content === mask, rstrip: false, normalized: false };
    return [{ id, content, special: kind !== USER_DEFINED, ...flags }];
  });

/** The chat template, or several by name, of which the unnamed one comes first. */
function templates(read: GgufReader): string | { name: string; template: string }[] | undefined {
  const own = read.text('tokenizer.chat_template');
  const named = (read.texts('tokenizer.chat_templates')?.list() ?? []).flatMap((name) => {
    const template = read.text(`tokenizer.chat_template.${name}`);
    return template === undefined ? [] : [{ name, template }];
  });
  if (named.length === 0) return own;
  return [...(own === undefined ? [] : [{ name: 'default', template: own }]), ...named];
}

/** What is put around texts: a token before and one behind, as the file says or such tokenizers have it; one between two. */
function around(read: GgufReader, habits: { bos: boolean; eos: boolean; sep: boolean }, own: Roles, tokens: GgufTexts): object | undefined {
  const adds = (role: 'bos' | 'eos' | 'sep', token: string | undefined) =>
    (read.flag(`tokenizer.ggml.add_${role}_token`) ?? habits[role]) && token !== undefined ? [token] : [];
  const [before, sep] = [adds('bos', own.cls ?? own.bos), adds('sep', own.sep)];
  // BERT's sep ends each text; other models' sep stands between the end of the first text and the second.
  const ends = read.text('tokenizer.ggml.model') === 'bert';
  const behind = ends ? sep : adds('eos', own.eos);
  if (before.length + behind.length + sep.length === 0) return undefined;
  const special = (type_id: number) => (id: string) => ({ SpecialToken: { id, type_id } });
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [...before.map(special(0)), text('A', 0), ...behind.map(special(0))];
  const second = ends || sep.length === 0 ? 1 : 0;
  const between = ends ? [] : sep.length ? sep.map(special(0)) : before.map(special(1));
  const special_tokens = [...new Set([...before, ...behind, ...sep])].map((id) => [
    id,
    { id, ids: tokens.places([id]).slice(0, 1), tokens: [id] },
  ]);
  return {
    type: 'TemplateProcessing',
    ...{ single, pair: [...single, ...between, text('B', second), ...behind.map(special(second))] },
    special_tokens: Object.fromEntries(special_tokens),
  };
}
