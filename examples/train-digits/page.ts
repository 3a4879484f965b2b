/** The page: shows what its worker tells it, and passes on what the visitor does. */
import { Curves } from '../shared/curves.js';
import { SIDE } from './data.js';
import { type Look, likeliest } from './look.js';
import { cover, Pen, show } from './pictures.js';
import { type Answer, type Model, models, type ToPage, type ToWorker } from './protocol.js';

const get = <E extends Element>(id: string) => document.getElementById(id) as unknown as E;
const toggle = get<HTMLButtonElement>('toggle');
const progress = get<HTMLProgressElement>('progress');
const status = get<HTMLOutputElement>('status');
const seen = get<HTMLCanvasElement>('seen');
const answer = get<HTMLOutputElement>('answer');
const head = get<HTMLSelectElement>('head');
const temperature = get<HTMLInputElement>('temperature');

const worker = new Worker(`worker.js${location.search}`, { type: 'module' });
const tell = (message: ToWorker): void => worker.postMessage(message);
const curves = {} as Record<Model, Curves>;
let steps = {} as Record<Model, number>;
let share = '';
let pixels = new Uint8Array(SIDE * SIDE);
let looked: Look | undefined;
/** Steps that the drawer has taken. */
let drawn = 0;

function run(on: boolean): void {
  toggle.textContent = on ? 'Stop' : 'Go on';
  toggle.dataset.running = String(on);
}

function look(): void {
  tell({ say: 'look', pixels });
}

/** What the reader makes of the visitor's picture: bars, the likeliest digit, and attention over it. */
function showLook(): void {
  if (!looked) return;
  const { probabilities, attention } = looked;
  const isEmpty = pixels.every((level) => level === 0);
  answer.value = isEmpty ? '…' : String(likeliest(probabilities));
  for (const [digit, bar] of [...document.querySelectorAll<HTMLMeterElement>('#bars meter')].entries())
    bar.value = isEmpty ? 0 : (probabilities[digit] as number);
  const layer = attention.at(-1) ?? [];
  const heads = head.value === 'mean' ? layer : [layer[Number(head.value)] ?? []];
  const mean = Array.from(
    { length: heads[0]?.length ?? 0 },
    (_, p) => heads.reduce((sum, row) => sum + (row[p] as number), 0) / heads.length,
  );
  show(seen, pixels);
  cover(get('attention'), isEmpty ? [] : mean);
}

/** A canvas with a caption for each picture. */
function showAll(id: string, pictures: readonly { pixels: ArrayLike<number>; caption: string; isWrong: boolean; about: string }[]): void {
  const list = get<HTMLElement>(id);
  while (list.children.length < pictures.length) {
    const figure = document.createElement('figure');
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 });
    canvas.setAttribute('role', 'img');
    figure.append(canvas, document.createElement('figcaption'));
    list.append(figure);
  }
  for (const [i, { pixels, caption, isWrong, about }] of pictures.entries()) {
    const [canvas, text] = (list.children[i] as HTMLElement).children as unknown as [HTMLCanvasElement, HTMLElement];
    show(canvas, pixels);
    canvas.setAttribute('aria-label', about);
    text.textContent = caption;
    text.classList.toggle('wrong', isWrong);
  }
}

const hear: { [Say in ToPage['say']]: (message: Extract<ToPage, { say: Say }>) => void } = {
  ready(message) {
    steps = message.steps;
    for (const model of models) curves[model] = new Curves(get(`${model}-curves`), steps[model], 0.01);
    progress.max = steps.reader + steps.drawer;
    status.value = `${steps.reader} + ${steps.drawer} steps, ${message.engine}`;
    toggle.disabled = get<HTMLButtonElement>('draw').disabled = false;
    look();
  },
  learned({ model, step, loss, stepsPerSecond }) {
    curves[model].addLoss(step, loss);
    progress.value = model === 'reader' ? step : steps.reader + step;
    const what = model === 'reader' ? `reading · ${share}` : `drawing · ${share} read`;
    status.value = `step ${step} of ${steps[model]} · ${stepsPerSecond.toFixed(0)} a second · loss ${loss.toFixed(3)} · ${what}`;
    if (model === 'reader' && step % 25 === 0) look();
    if (model === 'drawer') drawn = step;
    if (model === 'drawer' && step % 250 === 0) draw();
  },
  read({ step, accuracy, answers }) {
    if (step > 0) curves.reader.addShare(step, accuracy);
    share = `${(100 * accuracy).toFixed(1)} % right`;
    const wrong = ({ label, said }: Answer) => step > 0 && label !== said;
    const figures = answers.map((one) => ({
      ...{ pixels: one.pixels, caption: step === 0 ? '' : String(one.said), isWrong: wrong(one) },
      about: `a ${one.label}, read as ${one.said}`,
    }));
    showAll('answers', figures);
  },
  looked(message) {
    looked = message.look;
    showLook();
  },
  drew({ pictures, said }) {
    const figures = pictures.map((picture, digit) => ({
      ...{
        pixels: picture,
        caption: said ? `${digit}, read as ${said[digit]}` : String(digit),
        isWrong: said !== undefined && said[digit] !== digit,
      },
      about: `the drawing of a ${digit}`,
    }));
    showAll('drawings', figures);
    if (said && drawn > 0) curves.drawer.addShare(drawn, said.filter((digit, i) => digit === i).length / said.length);
  },
  stopped({ done }) {
    run(false);
    toggle.disabled = done;
    if (done) toggle.textContent = 'Done';
    look();
    draw();
  },
  failed({ why }) {
    run(false);
    status.value = why;
    console.error(why);
  },
};

function draw(): void {
  tell({ say: 'draw', temperature: Number(temperature.value) });
}

worker.addEventListener('message', ({ data }: MessageEvent<ToPage>) => (hear[data.say] as (message: ToPage) => void)(data));
worker.addEventListener('error', ({ message }) => hear.failed({ say: 'failed', why: message || 'the worker could not be loaded' }));
const pen = new Pen(get('pen'), (drawn) => {
  pixels = new Uint8Array(drawn);
  show(seen, pixels);
  look();
});
get('clear').addEventListener('click', () => {
  pen.clear();
  pixels = new Uint8Array(SIDE * SIDE);
  look();
});
head.addEventListener('change', showLook);
get('draw').addEventListener('click', draw);
toggle.addEventListener('click', () => {
  const running = toggle.dataset.running === 'true';
  tell({ say: running ? 'stop' : 'start' });
  // It stops when the step is done.
  if (running) toggle.disabled = true;
  else run(true);
});
