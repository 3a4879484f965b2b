/** A translator built, trained, saved and loaded as docs/training.md does it: with what heed and heed/train export, without the command. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AutoModelForSeq2SeqLM, AutoTokenizer, createEngine } from 'heed';
import {
  AdamW,
  DataLoader,
  HeedTransformer,
  readTsv,
  sequenceToSequence,
  Trainer,
  TranslationDataset,
  textStream,
  trainBpe,
} from 'heed/train';
import { expect, it } from 'vitest';

const pairs = ['a cat\t猫', 'a dog\t狗', 'a bird\t鸟'];

it('learns pairs by heart, and says them when it is loaded again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-translator-'));
  const engine = await createEngine({ threads: 1, deterministic: true });
  try {
    const specialTokens = ['<pad>', '<unk>', '<s>', '</s>', '<2zh>'];
    const json = await trainBpe(
      pairs.flatMap((pair) => pair.split('\t')),
      { vocabSize: 60, specialTokens, unkToken: '<unk>' },
    );
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: '<pad>', bos_token: '<s>', eos_token: '</s>' }));
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const directions = [{ from: 0, to: 1, prefix: '<2zh>' }];
    const data = await TranslationDataset.from(readTsv(textStream(pairs.join('\n'))), tokenizer, { directions });
    const loader = new DataLoader(data, { batchSize: 3, collate: TranslationDataset.collate(0), shuffle: true });

    const sizes = { d_model: 32, num_heads: 4, encoder_layers: 1, decoder_layers: 1, ffn_dim: 64 };
    const ends = { pad_token_id: 0, bos_token_id: 2, eos_token_id: 3, decoder_start_token_id: 2 };
    const model = new HeedTransformer(engine, { vocab_size: tokenizer.get_vocab().size, ...ends, ...sizes }).init(1);
    const optimizer = new AdamW(model.namedParameters(), { lr: 5e-3 });
    const trainer = new Trainer(model, { objective: sequenceToSequence({ pad: 0 }), optimizer, loader, seed: 1 });
    await trainer.fit({ steps: 150 });
    await model.save_pretrained(join(folder, 'saved'), { tokenizer });

    const loaded = await AutoModelForSeq2SeqLM.from_pretrained(join(folder, 'saved'), { engine });
    const own = await AutoTokenizer.from_pretrained(join(folder, 'saved'));
    for (const pair of pairs) {
      const [english, chinese] = pair.split('\t') as [string, string];
      const source = data.get(pairs.indexOf(pair));
      const ids = await loaded.generate({ input_ids: [[...source.source]], max_new_tokens: 8 });
      expect([english, own.batch_decode(ids as never, { skip_special_tokens: true })]).toEqual([english, [chinese]]);
    }
  } finally {
    await engine.dispose();
    rmSync(folder, { recursive: true });
  }
});
