/** Models that are loaded to be trained: dropout as config.json says, gradients that are derivatives, and calls that infer all the same. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModel, AutoModelForSeq2SeqLM, bert, createEngine, type Engine } from '../../dist/entry/node.js';
import { JsonNode } from '../../dist/io/json.js';
import type { Encoder } from '../../dist/models/encoder.js';
import { EncoderModel } from '../../dist/models/model.js';
import { MaskedLMModel } from '../../dist/models/task_model.js';
import { crossEntropy, valueAndGrad } from '../../dist/ops/index.js';
import { tensor } from '../../dist/tensor.js';
import { TrainableClassifier } from '../../dist/train/classifier.js';
import { expectDerivatives } from './derivatives.js';
import { engineOver, tinyFiles, tinyPath } from './files.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 2, inlineBelow: 0, deterministic: true });
});
afterAll(() => engine.dispose());

async function encoderWith(config: object, kind: 'encoder' | 'classifier' = 'encoder'): Promise<{ encoder: Encoder; own: Engine }> {
  const own = await engineOver(tinyFiles(config as never));
  const load = kind === 'encoder' ? EncoderModel.load : TrainableClassifier.load;
  const { encoder } = await load(own, 'm', { trainable: true });
  return { encoder, own };
}

describe('in training', () => {
  const none = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };

  it('is what trainable: true gives, until a call infers', async () => {
    const model = await AutoModel.from_pretrained(tinyPath, { engine, trainable: true });
    const parameters = [...model.encoder.namedParameters()].map(([, parameter]) => parameter);
    expect(model.encoder.training).toBe(true);
    expect(parameters.some(({ packed }) => packed)).toBe(false);
    const plain = await AutoModel.from_pretrained(tinyPath, { engine });
    expect(plain.encoder.training).toBe(false);
    const inputs = { input_ids: [[2, 17, 40, 3]] };
    expect((await model(inputs)).last_hidden_state).toEqual((await plain(inputs)).last_hidden_state);
    expect(model.encoder.training).toBe(false);
    model.dispose();
    plain.dispose();
  });

  it('the forward at once has the bits of the forward in steps', async () => {
    const { encoder, own } = await encoderWith(none);
    const inputs = { ids: Int32Array.of(2, 17, 40, 3, 2, 9, 3, 0), shape: [2, 4] as const, lengths: [4, 3] };
    const forward = () => Array.from(own.scope(() => encoder.forward(tensor(own, inputs.ids, [2, 4]), inputs.lengths).toHost().data));
    const stepped = async () => {
      const host = await own.run(function* () {
        return (yield* encoder.steps(inputs)).lastHiddenState.toHost();
      });
      return Array.from(host.data);
    };
    expect(forward()).toEqual(await stepped());
    encoder.eval();
    expect(forward()).toEqual(await stepped());
    await own.dispose();
  });

  it.each<[string, object, 'encoder' | 'classifier', boolean]>([
    ['none of it', none, 'encoder', false],
    ['hidden_dropout_prob', { ...none, hidden_dropout_prob: 0.5 }, 'encoder', true],
    ['attention_probs_dropout_prob', { ...none, attention_probs_dropout_prob: 0.5 }, 'encoder', true],
    ['classifier_dropout', { ...none, classifier_dropout: 0.5 }, 'classifier', true],
    ['hidden_dropout_prob without classifier_dropout', { ...none, classifier_dropout: 0 }, 'classifier', false],
  ])('drops as config.json says: %s', async (_, config, kind, drops) => {
    const { encoder, own } = await encoderWith(config, kind);
    const run = (step: number) => {
      encoder.train({ seed: 1, step });
      return own.scope(() => Array.from(encoder.forward(tensor(own, Int32Array.of(2, 17, 40, 3), [1, 4]), [4]).toHost().data));
    };
    const first = run(1);
    expect(run(1)).toEqual(first);
    if (drops) expect(run(2)).not.toEqual(first);
    else expect(run(2)).toEqual(first);
    await own.dispose();
  });

  it('drops of the embeddings, too', async () => {
    const { encoder, own } = await encoderWith({ ...none, hidden_dropout_prob: 0.5 });
    const inputs = { ids: Int32Array.from({ length: 32 }, (_, i) => i), shape: [1, 32] as const };
    const [embedded] = await own.run(function* () {
      return (yield* encoder.steps(inputs, { hiddenStates: true })).hiddenStates.map((x) => x.toHost());
    });
    // Of 1,024 numbers: three deviations are 48.
    const zeros = Array.from(embedded?.data ?? []).filter((x) => x === 0).length;
    expect(Math.abs(zeros - 512)).toBeLessThan(48);
    await own.dispose();
  });

  it('drops nothing behind the activation, as BERT does not', async () => {
    const config = JsonNode.of('config.json', { hidden_act: 'gelu', hidden_dropout_prob: 0.2, attention_probs_dropout_prob: 0.3 });
    const block = bert.block(config, { tensors: 0, has: () => false, apart: () => false });
    expect(block).toMatchObject({ dropout: 0.2, attentionDropout: 0.3, activationDropout: 0 });
  });

  it.each(['classifier', 'filler'])('the gradients of a %s are the derivatives of its loss', async (kind) => {
    const own = await engineOver(tinyFiles({ ...none, classifier_dropout: 0 }));
    const { encoder } = await (kind === 'filler' ? MaskedLMModel : TrainableClassifier).load(own, 'm', { trainable: true });
    const ids = () => tensor(own, Int32Array.of(2, 17, 40, 3, 2, 9, 3, 0), [2, 4]);
    const types = () => tensor(own, Int32Array.of(0, 0, 1, 1, 0, 0, 0, 0), [2, 4]);
    const labels = () =>
      kind === 'filler' ? tensor(own, Int32Array.of(5, 6, 7, 8, 9, 10, 11, -100), [2, 4]) : tensor(own, Int32Array.of(1, 0));
    const lossTensor = () => crossEntropy(encoder.forward(ids(), [4, 3], types()), labels());
    expectDerivatives(own, encoder.namedParameters(), lossTensor, { step: 5e-3, within: 0.02, least: 1e-3 });
    await own.dispose();
  });
});

describe('an encoder-decoder', () => {
  it('is loaded for training, too: the same scores, gradients for all that it reads, and a call that infers', async () => {
    const load = (trainable: boolean) =>
      AutoModelForSeq2SeqLM.from_pretrained(fileURLToPath(new URL('../fixtures/hf/marian', import.meta.url)), { engine, trainable });
    const [plain, model] = [await load(false), await load(true)];
    const { module } = model;
    expect(module.training).toBe(true);
    const ids = (list: number[]) => tensor(engine, Int32Array.from(list), [1, list.length]);
    valueAndGrad(engine, () => crossEntropy(module.forward(ids([5, 6, 7]), ids([1, 8, 9]), [3]), ids([8, 9, 2])));
    const without = [...module.namedParameters()].filter(([, { grad }]) => !grad).map(([name]) => name);
    expect(without.filter((name) => name !== 'final_logits_bias')).toEqual([]);
    const inputs = { input_ids: [[5, 6, 7]], decoder_input_ids: [[1, 8, 9]] };
    expect((await model(inputs)).logits).toEqual((await plain(inputs)).logits);
    expect(module.training).toBe(false);
    for (const made of [model, plain]) made.dispose();
  });
});
