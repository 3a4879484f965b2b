/** A classifier is trained where its model lives, in a page's worker or on this thread: progress, aborts and errors come across, and what was learned is used there. */
import type { ClassifierOptions, TextExample } from 'heed';
import { assert, assertHeedError, type Checks, type Env, type Heed, thrownBy } from './check.js';

const load = ({ AutoModelForSequenceClassification }: Heed, env: Env, options: ClassifierOptions = {}) =>
  AutoModelForSequenceClassification.from_pretrained(env.locate('fixtures/bert-tiny'), {
    ...{ trainable: true, id2label: ['letters', 'digits'], engine: { deterministic: true, threads: 1 } },
    ...options,
  });

/** Words of letters, and of digits. */
const examples: readonly TextExample[] = Array.from({ length: 40 }, (_, i) => {
  const kind = i % 2;
  const word = Array.from({ length: 2 + (i % 5) }, (_, t) => (kind ? '0123456789' : 'abcdefghij')[(7 * i + 3 * t) % 10]);
  return { text: word.join(i % 3 ? ' ' : ''), label: kind };
});
const settings = { epochs: 8, batchSize: 4, lr: 5e-3 };

export const fineTuningChecks: Checks = {
  'a classifier learns where its model lives, reports, and sorts texts': async (heed, env) => {
    const model = await load(heed, env);
    const [steps, losses]: [number[], number[]] = [[], []];
    const result = await model.fit(examples, {
      ...{ ...settings, validation: examples, onProgress: ({ step }) => steps.push(step), onLog: ({ loss }) => losses.push(loss) },
    });
    assert(result.step === 80 && steps.join() === Array.from({ length: 80 }, (_, i) => i + 1).join(), `steps: ${steps}`);
    assert(losses.length === 8 && (losses[7] as number) < (losses[0] as number) / 2, `losses: ${losses}`);
    assert((result.validation?.accuracy ?? 0) > 0.95, `accuracy: ${result.validation?.accuracy}`);
    assert(model.labels.join() === 'letters,digits', `labels: ${model.labels}`);
    const said = await model.classify(['a b c d', '1 2 3 4']);
    assert(Array.isArray(said) && said.map((one) => (one as { label: string }).label).join() === 'letters,digits', JSON.stringify(said));
    const { logits } = await model({ input_ids: [[2, 5, 3]] });
    assert(logits.dims.join() === '1,2', `logits: ${logits.dims}`);
    model.dispose();
    // Its engine has gone with it, where that is on this thread.
    await assertHeedError(heed, env.page ? 'ARGUMENT' : 'ENGINE_LOST', () => model.fit(examples, settings));
  },

  'an abort ends its training, and an error says what an error says here': async (heed, env) => {
    const model = await load(heed, env);
    const reason = new Error('enough');
    const controller = new AbortController();
    const onProgress = ({ step }: { step: number }) => step === 3 && controller.abort(reason);
    const thrown = await thrownBy(() => model.fit(examples, { ...settings, epochs: 500, signal: controller.signal, onProgress }));
    assert(thrown === reason, `an abort rejected with ${thrown}`);
    const error = await assertHeedError(heed, 'ARGUMENT', () => model.fit([{ text: 'a', label: 'numbers' }]));
    assert(error.culprit === 'examples' && error.cure?.includes('letters, digits') === true, `${error}`);
    await assertHeedError(heed, 'NUMERIC', () => model.fit(examples, { ...settings, lr: 1e30, warmup: 0, clip: 1e30 }));
    // What is left of its weights says nothing.
    await assertHeedError(heed, 'NUMERIC', () => model.classify('a b c'));
    model.dispose();
  },

  'what a checkpoint lacks is told from the worker, too': async (heed, env) => {
    const error = await assertHeedError(heed, 'MODEL_MISMATCH', () => load(heed, env, { trainable: false }));
    assert(error.culprit === 'classifier.weight' && error.shape?.join() === '2,32', `${error}`);
    const filler = await heed.AutoModelForMaskedLM.from_pretrained(env.locate('fixtures/hf/bert_mlm'));
    const { logits } = await filler({ input_ids: [[2, 5, 3]] });
    assert(logits.dims.join() === '1,3,97', `logits: ${logits.dims}`);
    filler.dispose();
  },
};
