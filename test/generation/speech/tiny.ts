/** The tiny Whisper of the fixtures, with the rules of a multilingual one, and sounds for it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../../dist/entry/node.js';
import { readSpeechConfig } from '../../../dist/generation/speech/config.js';
import { SpeechModel } from '../../../dist/generation/speech/model.js';
import { JsonNode } from '../../../dist/io/json.js';
import { loadPretrained } from '../../../dist/models/pretrained.js';
import { numbersOf, readWeights, type Weight } from '../../models/files.js';

export const folder = fileURLToPath(new URL('../../fixtures/speech/whisper/', import.meta.url));

/** What transformers answers. */
export interface Case {
  name: string;
  options: object & { attention_mask?: number[][] };
  sequences: number[][];
  token_timestamps?: number[][];
  segments?: [start: number, end: number, tokens: number[]][][];
}
export const { rules, cases } = JSON.parse(readFileSync(`${folder}generate.json`, 'utf8')) as { rules: object; cases: Case[] };

const sounds = readWeights(readFileSync(`${folder}generate.safetensors`));
/** Features of a window, of two sounds, or of one that is longer. */
export function soundOf(name: 'short' | 'long') {
  const sound = sounds[name] as Weight;
  return { data: Float32Array.from(numbersOf(sound)), dims: sound.shape };
}

export async function tinyModel(engine: Engine): Promise<SpeechModel> {
  const { config, module } = await loadPretrained(engine, folder, 'speech encoder-decoder');
  const norm = new Map(module.namedParameters()).get('transformer.decoder.norm.weight');
  if (!norm) throw new Error('There is no norm');
  // As the fixture has it: scores of small weights are all alike.
  const larger = Float32Array.from(norm.toHost().data, (x) => 8 * Number(x));
  norm.reset();
  norm.write(0, new Uint8Array(larger.buffer));
  return new SpeechModel(engine, config.value, readSpeechConfig(config, JsonNode.of('generation_config.json', rules), module.dims), module);
}
