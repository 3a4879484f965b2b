/** The tokenizer of test/fixtures/bert-tiny, and its files. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { folderAt } from '../../dist/io/folder.js';
import { join, open } from '../../dist/runtime/node-files.js';
import type { Runtime } from '../../dist/runtime/types.js';
import { type IntTensor, Tokenizer } from '../../dist/text/tokenizer.js';

export const runtime = { open, join } as unknown as Runtime;
export const folder = fileURLToPath(new URL('../fixtures/bert-tiny', import.meta.url));
export const tiny = await Tokenizer.load(folderAt(runtime, folder));
export const files = {
  tokenizer: JSON.parse(readFileSync(`${folder}/tokenizer.json`, 'utf8')),
  config: JSON.parse(readFileSync(`${folder}/tokenizer_config.json`, 'utf8')),
};

/** A tensor as lists. */
export const rowsOf = ({ dims: [rows, columns], data }: IntTensor) =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
