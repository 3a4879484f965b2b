/** The page's worker: it trains the reader, then the drawer, and answers between two steps. Its address may say ?threads=2&seed=1&steps=1400&draw-steps=2500. */
import { createEngine } from 'heed';
import { Random } from 'heed/train';
import { readDigits, split } from './data.js';
import { look, read } from './look.js';
import type { Model, ToPage, ToWorker } from './protocol.js';
import { makeDrawing, makeReading } from './run.js';

const tell = (message: ToPage): void => postMessage(message);
const options = new URLSearchParams(location.search);
const number = (name: string) => (options.has(name) ? Number(options.get(name)) : undefined);
const digitsInOrder = Array.from({ length: 10 }, (_, digit) => digit);
const turn = () => new Promise((resolve) => setTimeout(resolve));

async function main(): Promise<void> {
  const engine = await createEngine({ threads: number('threads') });
  const digits = await readDigits(new Uint8Array(await (await fetch('digits.csv.gz')).arrayBuffer()));
  const seed = number('seed') ?? 1;
  const runs = {
    reader: makeReading(engine, digits, { seed, steps: number('steps') }),
    drawer: makeDrawing(engine, digits, { seed, steps: number('draw-steps') }),
  };
  const samples = split(digits).unseen.slice(0, 60);
  const answers = () => {
    const said = read(
      runs.reader.model,
      samples.map(({ pixels }) => pixels),
    );
    return samples.map((digit, i) => ({ ...digit, said: said[i] as number }));
  };

  const learn = async (signal: AbortSignal) => {
    const told = (model: Model) => ({
      ...{ signal, steps: runs[model].steps, evaluateEvery: 50 },
      onProgress: ({ step, loss, stepsPerSecond }: { step: number; loss: number; stepsPerSecond: number }) =>
        tell({ say: 'learned', model, step, loss, stepsPerSecond }),
    });
    await runs.reader.trainer.fit({
      ...told('reader'),
      onLog: ({ step, validation }) => tell({ say: 'read', step, accuracy: validation?.accuracy ?? 0, answers: answers() }),
    });
    await runs.drawer.trainer.fit(told('drawer'));
  };

  let drawings = 0;
  const draw = async (temperature: number) => {
    const own = ++drawings;
    const steps = runs.drawer.model.draw(digitsInOrder, new Random('drawn', seed, own), temperature);
    for (let step = steps.next(); ; step = steps.next()) {
      // A newer wish takes the older one's place.
      if (own !== drawings) return;
      if (step.done) return tell({ say: 'drew', pictures: step.value, said: read(runs.reader.model, step.value) });
      tell({ say: 'drew', pictures: step.value });
      await turn();
    }
  };

  let controller: AbortController | undefined;
  const start = async () => {
    if (controller) return;
    controller = new AbortController();
    const { signal } = controller;
    try {
      await learn(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      controller = undefined;
    }
    tell({ say: 'stopped', done: runs.drawer.trainer.position.step === runs.drawer.steps });
  };
  const answer = async (message: ToWorker): Promise<void> => {
    if (message.say === 'start') await start();
    else if (message.say === 'stop') controller?.abort();
    else if (message.say === 'look') tell({ say: 'looked', look: look(runs.reader.model, message.pixels) });
    else await draw(message.temperature);
  };
  addEventListener('message', ({ data }: MessageEvent<ToWorker>) => void answer(data).catch(fail));

  const { threads, simd, reason } = engine.info;
  const steps = { reader: runs.reader.steps, drawer: runs.drawer.steps };
  tell({ say: 'ready', steps, engine: `${threads} thread${threads > 1 ? 's' : ''}, ${simd}${reason ? ` (${reason})` : ''}` });
  tell({ say: 'read', step: 0, accuracy: 0, answers: answers() });
}

const fail = (error: Error): void => tell({ say: 'failed', why: error.message });
main().catch(fail);
