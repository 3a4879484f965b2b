/**
 * SentencePiece's precompiled normalizer, with which XLM-R, T5 and others were trained: a table from characters to characters
 * in the model's file, as a double-array trie (Aoe 1989; darts-clone's layout) over UTF-8 and the replacement texts. A
 * short grapheme with a beginning in the table is replaced as a whole; that a longer one loses
 * its rest is Hugging Face's behaviour, with which models are used. Other characters are replaced one by one.
 */
import type { JsonNode } from '../io/json.js';
import type { Tracer } from './aligned.js';
import { traceChanges } from './normal_forms.js';

/** Graphemes, as far as they are shorter than SHORT bytes; ASCII that no mark follows is left out. */
const extend = '\\p{Grapheme_Extend}\\p{Mc}\\p{Emoji_Modifier}\\u200d\\u0e33\\u0eb3';
const graphemes = `\\r\\n|[^${extend}\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]?[${extend}]+`;
const SHORT = 6;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Precompiled {
  whole(text: string): string;
  trace(text: string, tracer: Tracer): void;
}

export function precompiled(node: JsonNode): Precompiled {
  const table = new Table(node);
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  const maps = ascii.some((character) => table.find(character) !== undefined);
  const pattern = new RegExp(`${graphemes}|[${maps ? '\\s\\S' : '^ -~'}]`, 'gu');

  /** Replacements of the parts of a grapheme. */
  const formsOf = (grapheme: string): readonly (readonly [old: string, form: string])[] => {
    const form = grapheme.length < SHORT && encoder.encode(grapheme).length < SHORT ? table.find(grapheme) : undefined;
    if (form !== undefined) return [[grapheme, form]];
    return Array.from(grapheme, (character) => [character, table.find(character) ?? character] as const);
  };

  return {
    whole: (text) =>
      text.replace(pattern, (grapheme) =>
        grapheme.length === 1
          ? (table.find(grapheme) ?? grapheme)
          : formsOf(grapheme)
              .map(([, form]) => form)
              .join(''),
      ),
    trace: (text, tracer) => {
      const changes: [character: string, change: number][] = [];
      let [at, begin] = [0, 0];
      const keep = (end: number) => {
        for (const character of text.slice(at, end)) changes.push([character, 0]);
        at = end;
      };
      for (const { 0: grapheme, index } of text.matchAll(pattern)) {
        keep(index);
        for (const [old, form] of formsOf(grapheme)) {
          const before = lengthOf(old);
          let count = 0;
          for (const character of form) changes.push([character, count++ < before ? 0 : 1]);
          const last = changes.at(-1);
          if (last && count < before) last[1] += count - before;
          at += old.length;
          // Hugging Face's forgets that these were there: all offsets after them are too small.
          if (!last) begin = at;
        }
      }
      keep(text.length);
      traceChanges(changes, text, begin, tracer);
    },
  };
}

/** Bytes of base64; empty for invalid base64. Loops, since a callback for each of 300,000 bytes takes 50 ms. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  let text = '';
  try {
    text = atob(base64);
  } catch {}
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const lengthOf = (text: string) => Array.from(text).length;

/** precompiled_charsmap: the length of the trie in bytes, the trie, and texts that end in 0. */
class Table {
  readonly #trie: Uint32Array;
  readonly #texts: Uint8Array;
  readonly #found = new Map<string, string | undefined>();

  constructor(node: JsonNode) {
    const bytes = bytesOf(node.string('precompiled_charsmap'));
    const view = new DataView(bytes.buffer);
    const length = bytes.length < 8 ? 0 : view.getUint32(0, true);
    if (!length || length % 4 || length > bytes.length - 4) throw node.error('has no precompiled_charsmap that can be read');
    this.#trie = new Uint32Array(length / 4);
    for (let i = 0; i < this.#trie.length; i++) this.#trie[i] = view.getUint32(4 + 4 * i, true);
    this.#texts = bytes.subarray(4 + length);
  }

  /** Replacement of the shortest beginning of `key` in the table. */
  find(key: string): string | undefined {
    let found = this.#found.get(key);
    if (found !== undefined || this.#found.has(key)) return found;
    found = this.#look(encoder.encode(key));
    if (this.#found.size === 1 << 14) this.#found.clear();
    this.#found.set(key, found);
    return found;
  }

  #look(key: Uint8Array): string | undefined {
    const at = (node: number) => this.#trie[node] ?? 0;
    const offset = (unit: number) => (unit >>> 10) << ((unit & 512) >>> 6);
    let node = offset(at(0));
    for (const byte of key) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = at(node);
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      node ^= offset(unit);
      if (!(unit & 256)) continue;
      const begin = at(node) & 0x7fffffff;
      const end = this.#texts.indexOf(0, begin);
      return decoder.decode(this.#texts.subarray(begin, end < 0 ? undefined : end));
    }
    return undefined;
  }
}
