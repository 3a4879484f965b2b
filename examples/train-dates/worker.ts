/** The page's worker: it trains, and answers between two steps. Its address may say ?threads=2&seed=1&steps=1033. */
import { createEngine } from 'heed';
import { languages, type Pair } from './data.js';
import type { Answer, ToPage, ToWorker } from './protocol.js';
import { makeRun } from './run.js';

const tell = (message: ToPage): void => postMessage(message);
const options = new URLSearchParams(location.search);
const number = (name: string) => (options.has(name) ? Number(options.get(name)) : undefined);

async function main(): Promise<void> {
  const engine = await createEngine({ threads: number('threads') });
  const { trainer, reader, steps, unseen } = await makeRun(engine, { seed: number('seed'), steps: number('steps') });
  const samples = languages.map((language) => unseen.find((pair) => pair[2] === language) as Pair);
  const answers = (): Answer[] => {
    const said = reader.read(samples.map(([text]) => text));
    return samples.map(([text, iso], i) => ({ text, iso, said: said[i] ?? '' }));
  };
  let text = samples[3]?.[0] ?? '';
  const look = () => tell({ say: 'looked', reading: reader.look(text) });
  let controller: AbortController | undefined;

  const learn = async (signal: AbortSignal) => {
    const onProgress = ({ step, loss, stepsPerSecond }: { step: number; loss: number; stepsPerSecond: number }) => {
      tell({ say: 'learned', step, loss, stepsPerSecond });
      if (step % 10 === 0) look();
    };
    await trainer.fit({
      ...{ steps, evaluateEvery: 25, signal, onProgress },
      onLog: ({ step, validation }) => tell({ say: 'evaluated', step, exact: validation?.exact ?? 0, answers: answers() }),
    });
  };
  const orders = {
    async start() {
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
      tell({ say: 'stopped', done: trainer.position.step === steps });
    },
    stop: () => controller?.abort(),
    look,
  };
  addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.say === 'look') text = data.text;
    Promise.resolve(data.say)
      .then((order) => orders[order]())
      .catch(fail);
  });
  const { threads, simd, reason } = engine.info;
  tell({ say: 'ready', steps, text, engine: `${threads} thread${threads > 1 ? 's' : ''}, ${simd}${reason ? ` (${reason})` : ''}` });
  tell({ say: 'evaluated', step: 0, exact: 0, answers: answers() });
  look();
}

const fail = (error: Error): void => tell({ say: 'failed', why: error.message });
main().catch(fail);
