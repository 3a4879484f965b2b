/** What a model's files say of a generation, and what holds where they say nothing: the tokens that transformers writes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../dist/engine/engine.js';
import { bart, marian, registerArchitecture, t5 } from '../../dist/entry/node.js';
import { Seq2SeqModel } from '../../dist/generation/seq2seq.js';
import { nodeRuntime } from '../../dist/runtime/node.js';
import { memoryRuntime } from '../io/memory.js';

registerArchitecture(bart, marian, t5);

const at = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const cases = JSON.parse(readFileSync(at('generation/files.json'), 'utf8')) as {
  model: string;
  absent: string[];
  generation: object | null;
  sequences: number[][] | null;
}[];

describe('without generation_config.json, or with one that says little', () => {
  it.each(cases)('$model writes what transformers writes: config.json without $absent, $generation', async (one) => {
    const config = JSON.parse(readFileSync(at(`hf/${one.model}/config.json`), 'utf8'));
    for (const key of one.absent) delete config[key];
    const files = {
      'm/config.json': JSON.stringify(config),
      'm/model.safetensors': readFileSync(at(`hf/${one.model}/model.safetensors`)),
      ...(one.generation && { 'm/generation_config.json': JSON.stringify(one.generation) }),
    };
    const engine = await Engine.create({ ...nodeRuntime, ...memoryRuntime(files).runtime }, { threads: 1, deterministic: true });
    const model = await Seq2SeqModel.load(engine, 'm');
    const sequences = model.generate({ input_ids: [[6, 59, 81]] });
    if (one.sequences) expect((await sequences).tolist()).toEqual(one.sequences);
    else await expect(sequences).rejects.toMatchObject({ code: 'ARGUMENT', culprit: 'decoder_start_token_id' });
    await engine.dispose();
  });
});
