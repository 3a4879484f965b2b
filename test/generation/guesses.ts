/** What tests of guesses share: an engine, tiny models, and what a model writes, bit by bit, in how many steps. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine, type HostTensor } from 'heed';
import { vi } from 'vitest';

export const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
export const engine = await createEngine({ threads: 2, deterministic: true, inlineBelow: 0 });

/** Files of a model whose config says something else. */
export const changed = (name: string, config: object) => ({
  'config.json': new TextEncoder().encode(
    JSON.stringify({ ...JSON.parse(readFileSync(`${fixture(name)}/config.json`, 'utf8')), ...config }),
  ),
  'model.safetensors': readFileSync(`${fixture(name)}/model.safetensors`),
});

interface Told {
  sequences: HostTensor;
  scores?: HostTensor[];
}

/** What is written, with the bits of what was chosen by, and in how many steps. */
export async function told(model: { generate(options: object): Promise<unknown> }, options: object) {
  const run = vi.spyOn(engine, 'run');
  const given = { return_dict_in_generate: true, output_scores: true, ...options };
  const { sequences, scores = [] } = (await model.generate(given)) as Told;
  const steps = run.mock.calls.length;
  run.mockRestore();
  return {
    tokens: sequences.tolist(),
    bits: scores.map(({ data }) => Buffer.from((data as Float32Array).slice().buffer).toString('base64')),
    steps,
  };
}

export const prompts = [[5, 9, 3, 7, 11, 8], [4], [6, 7, 6, 7, 6, 7, 6], [20, 21, 22, 23, 20, 21, 22, 23, 20]];
/** All but those whose convolutions cannot take back a guess. */
export const names = readdirSync(fixture('causal')).filter((name) => !name.includes('.') && name !== 'lfm2');
