/** Reader of a GGUF file's metadata with checks: the value of a key has the expected type, or is absent. */
import { HeedError } from '../errors.js';
import type { GgufMetadata, GgufValue } from '../io/gguf.js';
import { GgufTexts } from '../io/gguf_texts.js';
import { malformed } from '../io/header.js';

export class GgufReader {
  constructor(
    readonly file: string,
    readonly metadata: GgufMetadata,
  ) {}

  #read<T>(key: string, kind: string, fits: (value: GgufValue) => boolean): T | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || fits(value)) return value as T | undefined;
    throw malformed(this.file, `${key} is not ${kind}`, key);
  }

  text = (key: string) => this.#read<string>(key, 'a text', (value) => typeof value === 'string');
  flag = (key: string) => this.#read<boolean>(key, 'true or false', (value) => typeof value === 'boolean');
  texts = (key: string) => this.#read<GgufTexts>(key, 'a list of texts', (value) => value instanceof GgufTexts);
  numbers = (key: string) => this.#read<ArrayLike<number>>(key, 'a list of numbers', (value) => ArrayBuffer.isView(value));

  id = (key: string, most: number) =>
    this.#read<number>(
      key,
      `a token from 0 to ${most - 1}`,
      (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < most,
    );

  /** The piece that plays a role: 'bos', 'unknown'. */
  token(role: string, tokens: Pick<GgufTexts, 'length' | 'at'>): string | undefined {
    const id = this.id(`tokenizer.ggml.${role}_token_id`, tokens.length);
    return id === undefined ? undefined : tokens.at(id);
  }

  /** A list of bytes in base64, as JSON has them. */
  bytes(key: string): string | undefined {
    const list = this.#read<Uint8Array>(key, 'a list of bytes', (value) => value instanceof Uint8Array || value instanceof Int8Array);
    if (!list) return undefined;
    let text = '';
    for (const byte of new Uint8Array(list.buffer, list.byteOffset, list.length)) text += String.fromCharCode(byte);
    return btoa(text);
  }

  unsupported(key: string, what: string): HeedError {
    return new HeedError('UNSUPPORTED', `${this.file}: heed has no tokenizer ${what}`, {
      culprit: key,
      cure: 'Take the safetensors model',
    });
  }
}
