/** What models in training write by themselves: as `generate` does once they are saved and loaded, scored by BLEU and chrF, and a reason to stop. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { AutoModelForSeq2SeqLM } from '../../dist/entry/node.js';
import {
  AdamW,
  bleu,
  chrf,
  DataLoader,
  type GeneratingOptions,
  generating,
  pad,
  type SequenceToSequenceModel,
  save_pretrained,
  sequenceToSequence,
  Trainer,
  type TrainingRecord,
  type TranslationBatch,
} from '../../dist/train/index.js';
import { failureOf } from '../io/memory.js';
import { make, temporary } from './made.js';
import { END, examples, FIRST, loaderOf, PAD } from './tiny.js';

/** Ids as letters, special ones left out. */
const tokenizer: GeneratingOptions['tokenizer'] = {
  batch_decode: (rows) =>
    rows.map((row) =>
      row
        .filter((id) => id >= FIRST)
        .map((id) => String.fromCharCode(97 + id - FIRST))
        .join(' '),
    ),
};
const objective = (generation?: GeneratingOptions['generation']) =>
  sequenceToSequence<SequenceToSequenceModel>({
    pad: PAD,
    labelSmoothing: 0.1,
    decoding: generating({ tokenizer, generation, tokenize: 'none' }),
  });

describe('an evaluation that decodes', () => {
  it.each([{}, { num_beams: 3 }])('scores what the saved model generates: %j', async (generation) => {
    const data = examples(24, 2);
    const { trainer, model } = await make({ objective: objective(generation), validation: loaderOf(data, 7), dropout: 0.1, lr: 1e-2 });
    await trainer.fit({ steps: 40 });
    const scores = await trainer.evaluate({ decode: true });
    const folder = await temporary();
    await model.save_pretrained(folder);
    const loaded = await AutoModelForSeq2SeqLM.from_pretrained(folder, { engine: model.engine });
    const hypotheses: string[] = [];
    for (const { source } of data) {
      const ids = await loaded.generate({
        ...{ input_ids: [Array.from(source)], decoder_start_token_id: 1, eos_token_id: END, pad_token_id: PAD, max_new_tokens: 128 },
        ...generation,
      });
      hypotheses.push(...tokenizer.batch_decode(ids.tolist() as number[][], { skip_special_tokens: true }));
    }
    const references = tokenizer.batch_decode(
      data.map(({ target }) => Array.from(target)),
      { skip_special_tokens: true },
    );
    expect(scores.bleu).toBeCloseTo(bleu(hypotheses, references, { tokenize: 'none' }).score, 10);
    expect(scores.chrf).toBeCloseTo(chrf(hypotheses, references).score, 10);
    expect(scores.chrf).toBeGreaterThan(0);
    loaded.dispose();
  });

  it('is what early stopping goes by, and leaves the training as it would have been', async () => {
    const validation = loaderOf(examples(10, 2), 5);
    const [decoded, plain] = [await make({ objective: objective(), validation }), await make({ validation })];
    const records: TrainingRecord[] = [];
    const result = await decoded.trainer.fit({
      ...{ steps: 30, evaluateEvery: 10, earlyStopping: { patience: 5, metric: 'chrf' }, onLog: (record) => records.push(record) },
    });
    await plain.trainer.fit({ steps: 30, evaluateEvery: 10 });
    expect(decoded.bits()).toBe(plain.bits());
    const scores = records.map(({ validation }) => validation?.chrf as number);
    expect(result.best?.value).toBe(Math.max(...scores));
    expect(scores).toHaveLength(3);
  });

  it('starts each target with its own first token', async () => {
    const { trainer, model } = await make({ objective: objective({ max_new_tokens: 5 }) });
    const decoding = objective({ max_new_tokens: 5 }).decoding;
    const batchOf = (rows: { source: number[]; target: number[] }[]): TranslationBatch => ({
      source: pad(
        rows.map(({ source }) => source),
        PAD,
      ),
      input: pad(
        rows.map(({ target }) => target.slice(0, -1)),
        PAD,
      ),
      labels: pad(
        rows.map(({ target }) => target.slice(1)),
        PAD,
      ),
    });
    await trainer.fit({ steps: 10 });
    const rows = [
      { source: [4, 5, END], target: [1, 5, 4, END] },
      { source: [6, 7, 8, END], target: [FIRST, 8, 7, 6, END] },
      { source: [9, END], target: [1, 9, END] },
    ];
    const together = await decoding?.translate(model, batchOf(rows), {});
    const apart = [];
    for (const row of rows) apart.push(...((await decoding?.translate(model, batchOf([row]), {})) ?? []));
    expect(together).toEqual(apart);
    expect(together?.[1]?.startsWith('a')).toBe(true);
    expect(decoding?.references(batchOf(rows))).toEqual(['c b', 'f e d', 'g']);
  });

  it('ends with its signal', async () => {
    const { trainer } = await make({ objective: objective(), validation: loaderOf(examples(10, 2), 5) });
    await expect(trainer.evaluate({ decode: true, signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
  });

  it('refuses what it cannot do', async () => {
    expect(await failureOf(async () => generating({} as never))).toMatchObject({ code: 'ARGUMENT', culprit: 'tokenizer' });
    expect(await failureOf(async () => generating({ tokenizer, beams: 4 } as never))).toMatchObject({
      code: 'UNSUPPORTED',
      culprit: 'beams',
    });
    expect(await failureOf(async () => generating({ tokenizer, generation: { num_beams: 0 } }))).toMatchObject({ culprit: 'num_beams' });
    expect(await failureOf(async () => generating({ tokenizer, generation: { num_beams: 2, num_return_sequences: 2 } }))).toMatchObject({
      culprit: 'num_return_sequences',
    });
    const batch = {} as TranslationBatch;
    expect(await failureOf(async () => generating({ tokenizer }).translate({}, batch, {}))).toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe.each(['marian', 'bart', 'mbart', 'm2m_100', 'pegasus', 't5', 't5_gated'])('a trained %s', (name) => {
  const path = fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));

  it('decodes while it trains, and saves itself, as a model or by its module: the same, with the bits that it has', async () => {
    const { engine } = await make();
    const model = await AutoModelForSeq2SeqLM.from_pretrained(path, { engine, trainable: true });
    const sources = [
      [6, 59, 81, 33, 1],
      [18, 9, 3, 1],
    ];
    const start = model.generation_config.decoder_start_token_id as number;
    const batch: TranslationBatch = {
      source: pad(sources, 0),
      input: pad(
        [
          [start, 5, 6],
          [start, 7],
        ],
        0,
      ),
      labels: pad(
        [
          [5, 6, 1],
          [7, 1],
        ],
        0,
      ),
    };
    const words: GeneratingOptions['tokenizer'] = { batch_decode: (rows) => rows.map((row) => row.join(' ')) };
    const generation = { ...model.generation_config, max_length: undefined, max_new_tokens: 6 };
    const trainer = new Trainer(model.module, {
      objective: sequenceToSequence({ pad: 0, decoding: generating({ tokenizer: words, generation, tokenize: 'none' }) }),
      optimizer: new AdamW(model.module.namedParameters(), { lr: 1e-2 }),
      loader: new DataLoader([batch], { collate: ([one]) => one as TranslationBatch }),
      validation: new DataLoader([batch], { collate: ([one]) => one as TranslationBatch }),
    });
    const { validation } = await trainer.fit({ steps: 6, decode: true });
    expect(validation?.chrf).toBeGreaterThanOrEqual(0);
    const inputs = { input_ids: sources[0] ? [sources[0]] : [], decoder_input_ids: [[start, 5, 6]] };
    const answer = (await model(inputs)).logits;
    const folders = [await temporary(), await temporary()] as const;
    await model.save_pretrained(folders[0]);
    await save_pretrained(model.module, folders[1]);
    for (const folder of folders) {
      const again = await AutoModelForSeq2SeqLM.from_pretrained(folder, { engine });
      expect((await again(inputs)).logits).toEqual(answer);
      expect(again.config).toEqual(model.config);
      expect(again.generation_config).toEqual(model.generation_config);
      again.dispose();
    }
    const untrained = await AutoModelForSeq2SeqLM.from_pretrained(path, { engine });
    expect((await untrained(inputs)).logits).not.toEqual(answer);
    untrained.dispose();
    model.dispose();
  });
});
