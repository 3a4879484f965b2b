/** Tokenizers out of metadata that a test makes as a GGUF file has it. */
import type { GgufMetadata } from '../../dist/io/gguf.js';
import { GgufTexts } from '../../dist/io/gguf_texts.js';
import { givenFolder } from '../../dist/io/given.js';
import { tokenizerConfigInGguf, tokenizerInGguf } from '../../dist/text/gguf.js';
import { Tokenizer } from '../../dist/text/tokenizer.js';
import { string } from '../io/gguf_file.js';

export const filesOf = (metadata: GgufMetadata) => ({
  'tokenizer.json': tokenizerInGguf('test.gguf', metadata),
  'tokenizer_config.json': tokenizerConfigInGguf('test.gguf', metadata),
});

export async function tokenizerOf(metadata: GgufMetadata): Promise<Tokenizer> {
  const { 'tokenizer.json': tokenizer, 'tokenizer_config.json': config } = filesOf(metadata);
  return Tokenizer.from({ tokenizer, config });
}

/** The same, by way of the files that it is saved as. */
export function writtenOf(metadata: GgufMetadata): Promise<Tokenizer> {
  const encoded = Object.entries(filesOf(metadata)).map(([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))]);
  return Tokenizer.load(givenFolder({} as never, Object.fromEntries(encoded)));
}

/** A list of texts, as a file has it. */
export const texts = (list: readonly string[]) =>
  new GgufTexts('test.gguf', 'key', list.length, new Uint8Array(Buffer.concat(list.map((one) => Uint8Array.from(string(one))))));
