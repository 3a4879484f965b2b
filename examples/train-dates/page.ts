/** The page: draws what its worker tells it, and passes on what the visitor does. */
import { Curves } from '../shared/curves.js';
import { showAnswers } from './answers.js';
import { drawHeatMap } from './heat_map.js';
import type { ToPage, ToWorker } from './protocol.js';

const get = <E extends Element>(id: string) => document.getElementById(id) as unknown as E;
const toggle = get<HTMLButtonElement>('toggle');
const progress = get<HTMLProgressElement>('progress');
const status = get<HTMLOutputElement>('status');
const text = get<HTMLInputElement>('text');
const answer = get<HTMLOutputElement>('answer');

const worker = new Worker(`worker.js${location.search}`, { type: 'module' });
const tell = (message: ToWorker): void => worker.postMessage(message);
let curves: Curves;
let running = false;
let share = '';

function run(on: boolean): void {
  running = on;
  toggle.textContent = on ? 'Stop' : 'Go on';
}

function ask(what: string): void {
  text.value = what;
  tell({ say: 'look', text: what });
}

const hear: { [Say in ToPage['say']]: (message: Extract<ToPage, { say: Say }>) => void } = {
  ready({ steps, engine, text: first }) {
    curves = new Curves(get('curves'), steps);
    progress.max = steps;
    status.value = `${steps} steps, ${engine}`;
    text.value = first;
    toggle.disabled = false;
  },
  learned({ step, loss, stepsPerSecond }) {
    curves.addLoss(step, loss);
    progress.value = step;
    status.value = `step ${step} of ${progress.max} · ${stepsPerSecond.toFixed(0)} a second · loss ${loss.toFixed(4)} · ${share}`;
  },
  evaluated({ step, exact, answers }) {
    curves.addShare(step, exact);
    share = `${(100 * exact).toFixed(1)} % exact`;
    showAnswers(get('examples'), answers, ask);
  },
  looked({ reading }) {
    answer.value = reading.said || '…';
    drawHeatMap(get('attention'), reading);
  },
  stopped({ done }) {
    run(false);
    toggle.disabled = done;
    if (done) toggle.textContent = 'Done';
  },
  failed({ why }) {
    run(false);
    status.value = why;
    console.error(why);
  },
};

worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => (hear[data.say] as (message: ToPage) => void)(data));
worker.addEventListener('error', ({ message }) => hear.failed({ say: 'failed', why: message || 'the worker could not be loaded' }));
text.addEventListener('input', () => ask(text.value));
toggle.addEventListener('click', () => {
  tell({ say: running ? 'stop' : 'start' });
  // It stops when the step is done.
  if (running) toggle.disabled = true;
  else run(true);
});
