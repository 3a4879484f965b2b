/**
 * Fine-tuning: a sentence encoder becomes a classifier that sorts what customers write into delivery, billing and technical requests. It learns from four fifths
 * of ninety sentences, and is asked about the fifth that it has not seen, before and after.
 *
 *   node scripts/run.mjs examples/fine-tuning.ts --model sentence-transformers/all-MiniLM-L6-v2 --out requests
 *
 * --out saves it, for `heed classify`. Without --model it takes the tests' tiny BERT, whose weights are random and whose words are letters: it shows that all of this
 * runs, and learns by heart.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AutoModelForSequenceClassification, type Classification } from 'heed';
import { Random, readTsv, textStream } from 'heed/train';

const { values } = parseArgs({ options: { model: { type: 'string' }, out: { type: 'string' } } });
const tiny = fileURLToPath(new URL('../test/fixtures/bert-tiny', import.meta.url));

const file = new URL('./data/requests.tsv', import.meta.url);
const examples: { text: string; label: string }[] = [];
for await (const [label = '', text = ''] of readTsv(textStream(readFileSync(file, 'utf8'), 'requests.tsv'))) examples.push({ text, label });
new Random(1).shuffle(examples);
const [unseen, training] = [examples.slice(0, examples.length / 5), examples.slice(examples.length / 5)];

const model = await AutoModelForSequenceClassification.from_pretrained(values.model ?? tiny, {
  trainable: true,
  id2label: ['delivery', 'billing', 'technical'],
  engine: { deterministic: !values.model },
});

async function accuracy(): Promise<string> {
  const said = (await model.classify(unseen.map(({ text }) => text))) as Classification[];
  const right = said.filter(({ label }, i) => label === unseen[i]?.label).length;
  return `${right} of ${unseen.length} unseen sentences right`;
}

console.log(`before: ${await accuracy()}`);
await model.fit(training, {
  // What is random has further to go.
  ...(values.model ? { epochs: 3, lr: 4e-4, batchSize: 12 } : { epochs: 15, lr: 3e-3, batchSize: 8 }),
  onLog: ({ epoch, loss, stepsPerSecond }) => console.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, ${stepsPerSecond.toFixed(1)} steps/s`),
});
console.log(`after:  ${await accuracy()}`);

for (const text of ['The box never came.', 'Give me my money back!', 'It does not turn on any more.']) {
  const { label, score } = (await model.classify(text)) as Classification;
  console.log(`${label.padEnd(9)} ${(100 * score).toFixed(0).padStart(3)} %  ${text}`);
}
if (values.out) await model.save_pretrained(values.out);
model.dispose();
