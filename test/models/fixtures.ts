/** Every tiny model that Hugging Face's library wrote for these tests, and what loads it: tests of what all families must do walk this table. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
  type PretrainedOptions,
} from '../../dist/entry/node.js';
import type { HostTensor } from '../../dist/tensor.js';
import { tinyPath } from './files.js';

export interface LoadedFixture {
  (inputs: object): Promise<Record<string, HostTensor>>;
  generate?(options: object): Promise<HostTensor>;
  save_pretrained(folder: string, options?: object): Promise<void>;
  dispose(): void;
}

export interface Fixture {
  name: string;
  path: string;
  /** A batch of one row, without padding. */
  inputs: object;
  load(path: string, options: PretrainedOptions): Promise<LoadedFixture>;
}

type Auto = { from_pretrained: (path: string, options: PretrainedOptions) => Promise<unknown> };

/** Loaders by how names of fixtures end. */
const autos: readonly (readonly [RegExp, Auto])[] = [
  [/^(marian|m?bart|m2m_100|pegasus|t5)/, AutoModelForSeq2SeqLM],
  [/_(classify|mean)$/, AutoModelForSequenceClassification],
  [/_mlm(_untied)?$/, AutoModelForMaskedLM],
  [/_ner$/, AutoModelForTokenClassification],
  [/_qa$/, AutoModelForQuestionAnswering],
  [/^/, AutoModel],
];

const root = fileURLToPath(new URL('../fixtures/hf', import.meta.url));
const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());

const source = { input_ids: [[5, 9, 7, 11, 2]] };

function fixtureAt(name: string, path: string): Fixture {
  const auto = autos.find(([ending]) => ending.test(name))?.[1] as Auto;
  const inputs = auto === AutoModelForSeq2SeqLM ? { ...source, decoder_input_ids: [[1, 8, 12, 9]] } : source;
  return { name, path, inputs, load: (folder, options) => auto.from_pretrained(folder, options) as Promise<LoadedFixture> };
}

export const fixtures: readonly Fixture[] = [
  fixtureAt('bert-tiny', tinyPath),
  ...folders.map(({ name }) => fixtureAt(name, `${root}/${name}`)),
];

/** heed's own, wherever a test has made one. */
export const translatorAt = (path: string): Fixture => ({ ...fixtureAt('marian', path), name: "heed's own translator" });
