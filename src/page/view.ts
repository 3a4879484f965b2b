/** What all views share: the models that fit them, a button that works until it is stopped, and a line that says how things are. */
import { type Api, type Model, Refused } from './api.js';
import { h, labelled } from './dom.js';

/** What views are given. */
export interface Context {
  readonly api: Api;
  /** Models that are there. */
  readonly models: readonly Model[];
  /** Calls back now, and when there are other models. */
  onModels(changed: () => void): void;
  /** Asks the user for a key. */
  askForKey(): void;
  /** Goes to a view, and hands a text over. */
  go(view: string, given: Given): void;
}

/** What a view is handed by another: a text, the model for it, and the languages. */
export interface Given {
  readonly model: string | undefined;
  readonly text: string;
  readonly from: string;
  readonly to: string;
}

/** A view: a tab of the page. */
export interface View {
  /** Word of the address: `#/chat`. */
  readonly name: string;
  readonly title: string;
  /** Fills the view's element, once. The result takes what another view hands over. */
  mount(root: HTMLElement, context: Context): ((given: Given) => void) | undefined;
}

/** A choice of one of the models for some tasks, and what it says where there is none. `changed` hears of the chosen one. */
export function modelChoice(context: Context, tasks: readonly string[], changed: (chosen: Model | undefined) => void = () => {}) {
  const select = h('select', { change: () => changed(chosen()) });
  const none = h('p', { class: 'hint' }, `There is no model here for this: it takes one for ${tasks.join(', ')}.`);
  const field = labelled('Model', select);
  const fitting = () => context.models.filter(({ task }) => tasks.includes(task));
  const chosen = () => fitting().find(({ id }) => id === select.value);
  context.onModels(() => {
    const [before, found] = [select.value, fitting()];
    select.replaceChildren(...found.map(({ id }) => h('option', { value: id, selected: id === before }, id)));
    field.hidden = found.length === 0;
    none.hidden = found.length > 0;
    changed(chosen());
  });
  return {
    element: h('div', { class: 'model' }, field, none),
    get chosen(): Model | undefined {
      return chosen();
    },
    /** Chooses a model by its name. */
    choose(id: string): void {
      select.value = id;
      changed(chosen());
    },
  };
}

/** Expects that the user has written something. */
export function expectText(text: string, what = 'a text'): void {
  if (!text.trim()) throw new Error(`Write ${what} first.`);
}

/** A line that says how things are, to readers of screens too. */
export const statusLine = (): HTMLElement => h('p', { class: 'status', role: 'status' });

/** Says how things are, once: what is said again every few seconds would be heard each time. */
export function tell(status: HTMLElement, text: string): void {
  if (status.textContent !== text) status.textContent = text;
}

/** Message of what went wrong; nothing where the user ended it. */
export function tellFailure(status: HTMLElement, context: Context, error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  if (error instanceof Refused && error.status === 401) context.askForKey();
  tell(status, error instanceof Error ? error.message : String(error));
  status.classList.add('wrong');
}

interface Work {
  readonly start: string;
  readonly context: Context;
  readonly status: HTMLElement;
  run(signal: AbortSignal): Promise<void>;
}

/** A form's button that starts a work, and stops it while it runs. */
export function workButton({ start, context, status, run }: Work) {
  const button = h('button', { type: 'submit', class: 'main' }, start);
  let running: AbortController | undefined;
  let done = Promise.resolve();
  const begin = async () => {
    running = new AbortController();
    button.textContent = 'Stop';
    status.classList.remove('wrong');
    status.textContent = 'Working …';
    try {
      await run(running.signal);
      if (status.textContent === 'Working …') status.textContent = '';
    } catch (error) {
      status.textContent = '';
      tellFailure(status, context, error);
    }
    running = undefined;
    button.textContent = start;
  };
  const work = () => {
    if (running) running.abort();
    else done = begin();
  };
  return {
    button,
    /** Whether the work runs. */
    get isRunning(): boolean {
      return running !== undefined;
    },
    work,
    /** Begins, and ends first what runs. */
    async anew(): Promise<void> {
      running?.abort();
      await done;
      if (!running) work();
    },
    stop: () => running?.abort(),
  };
}

/** A form of fields that does a work when it is sent. */
export function workForm(work: ReturnType<typeof workButton>, ...children: (Node | string)[]): HTMLFormElement {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    work.work();
  };
  return h('form', { submit }, ...children, h('div', { class: 'buttons' }, work.button));
}

/** Sends a form by Enter, as conversations do; Shift+Enter begins a line. */
export function sendByEnter(area: HTMLTextAreaElement, send: () => void): void {
  area.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
}
