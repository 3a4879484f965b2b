/** Encoder-decoders in 8 bits: near what their rounded weights count as, and the same when they are loaded again. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine, tensor } from '../../dist/entry/node.js';
import { joinSafetensors, writeSafetensors } from '../../dist/io/safetensors_writer.js';
import type { EncoderDecoder } from '../../dist/models/encoder_decoder.js';
import { HeedTransformer } from '../../dist/models/heed_transformer.js';
import { loadPretrained } from '../../dist/models/pretrained.js';
import { quantizationConfig } from '../../dist/models/quantization.js';
import { engineOver } from './files.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());

/** Logits [2, 7, V] of two sources. */
function logitsOf(model: EncoderDecoder): Float32Array {
  const { engine } = model;
  return engine.scope(() => {
    const int32 = (rows: number[][]) => tensor(engine, Int32Array.from(rows.flat()), [rows.length, rows[0]?.length as number]);
    const source = int32([
      [5, 17, 40, 33, 2],
      [9, 8, 2, 1, 1],
    ]);
    return model
      .forward(
        source,
        int32([
          [0, 7, 12, 30],
          [0, 3, 3, 41],
        ]),
        [5, 3],
      )
      .toHost().data as Float32Array;
  });
}

describe('an encoder-decoder', () => {
  it.each(['marian', 'bart', 'mbart', 'm2m_100', 'pegasus', 't5', 't5_gated'])(
    '%s has logits within 1e-3 of its dequantised weights, relative to the largest',
    async (name) => {
      const folder = fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));
      const { module } = await loadPretrained(engine, folder, 'encoder-decoder', { dtype: 'q8' });
      // Of positions, tables are 8-bit, a bias for relative ones is not.
      const float32 = name.endsWith('bart') ? /norm|bias/ : /norm|bias|positions/;
      const kinds = new Map([...module.namedParameters()].map(([key, { dtype }]) => [key, dtype]));
      for (const [key, dtype] of kinds) expect([key, dtype]).toEqual([key, float32.test(key) ? 'float32' : 'q8']);
      const got = logitsOf(module);
      const want = logitsOf(module.to('float32'));
      const most = Math.max(...want.map(Math.abs));
      expect(most).toBeGreaterThan(0);
      got.forEach((value, i) => void expect(Math.abs(value - (want[i] as number)) / most).toBeLessThan(1e-3));
    },
  );

  it('that was written in q8 is, when it is loaded, the one that was written', async () => {
    const config = { vocab_size: 45, d_model: 36, num_heads: 3, encoder_layers: 1, decoder_layers: 2, ffn_dim: 50, pad_token_id: 0 };
    const made = new HeedTransformer(engine, config).init(3);
    const files = {
      'm/config.json': JSON.stringify({ model_type: 'heed-transformer', ...config, quantization_config: quantizationConfig('q8') }),
      'm/model.safetensors': joinSafetensors(writeSafetensors(made.quantizedState())),
    };
    const own = await engineOver(files);
    const { module } = await loadPretrained(own, 'm', 'encoder-decoder');
    expect(logitsOf(module)).toEqual(logitsOf(made.to('q8')));
    expect(joinSafetensors(writeSafetensors(module.quantizedState()))).toEqual(files['m/model.safetensors']);
    await own.dispose();
  });
});
