/**
 * A Transformer learns to read dates, from nothing, in about a minute: "mercredi 24 septembre 2036", "2036年9月24日" → 2036-09-24.
 *
 *   node scripts/run.mjs examples/train-dates/main.ts [--threads N] [--seed N] [--steps N] [--deterministic]
 */
import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { createEngine } from 'heed';
import { languages } from './data.js';
import { makeRun } from './run.js';

const number = { type: 'string' } as const;
const { values } = parseArgs({ options: { threads: number, seed: number, steps: number, deterministic: { type: 'boolean' } } });
const whole = (text: string | undefined) => (text === undefined ? undefined : Number(text));

const engine = await createEngine({ threads: whole(values.threads), deterministic: values.deterministic });
console.log(`Writing dates in ${languages.length} languages …`);
const began = performance.now();
const { trainer, reader, steps, unseen } = await makeRun(engine, { seed: whole(values.seed), steps: whole(values.steps) });
const { info } = engine;
console.log(`${info.threads} threads, ${info.deterministic ? 'deterministic' : info.simd}; ${steps} steps`);

const bar = new SingleBar({
  format: '{bar} {value}/{total} | loss {loss} | {exact} of held-back dates exact | {eta_formatted} left',
  ...{ noTTYOutput: true, notTTYSchedule: 5000, hideCursor: true },
});
bar.start(steps, 0, { loss: '-', exact: '-' });
await trainer.fit({
  ...{ steps, evaluateEvery: 25 },
  onProgress: ({ step, loss }) => bar.update(step, { loss: loss.toFixed(4) }),
  onLog: ({ step, validation }) => bar.update(step, { exact: percent(validation?.exact) }),
});
bar.stop();
const seconds = (performance.now() - began) / 1000;

function percent(share = 0): string {
  return `${(100 * share).toFixed(1)} %`;
}

const dates = unseen.slice(0, 2000);
const said = reader.read(dates.map(([text]) => text));
const answers = dates.map(([text, iso], i) => ({ text, iso, said: said[i] }));
const wrong = answers.filter(({ iso, said }) => iso !== said);
const right = answers.filter(({ iso, said }) => iso === said);
const line = ({ text, said, iso }: (typeof answers)[number]) => `  ${text} → ${said}${said === iso ? '' : `, and it is ${iso}`}`;
console.log(['Right:', ...right.slice(0, 8).map(line), 'Wrong:', ...wrong.slice(0, 8).map(line)].join('\n'));
console.log(`${percent(right.length / answers.length)} of ${answers.length} held-back dates exact, after ${seconds.toFixed(0)} s`);
await engine.dispose();
