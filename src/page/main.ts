/** The page: its tabs, by the address's hash; its models; and the key, where the server asks for one. Views are made when they are first seen, and stay. */
import { Api, type Model } from './api.js';
import { serverBackend, workerBackend } from './backend.js';
import { h, labelled } from './dom.js';
import { loading } from './loading.js';
import { type Context, type Given, tellFailure, type View } from './view.js';
import { attention } from './views/attention.js';
import { chat } from './views/chat.js';
import { embeddings } from './views/embeddings.js';
import { training } from './views/training.js';
import { translate } from './views/translate.js';

const KEY = 'heed.key';
const [nav, main] = ['nav', 'main'].map((name) => document.querySelector(name)) as [HTMLElement, HTMLElement];
const status = h('p', { class: 'status', role: 'status' });
const keyField = h('input', { type: 'password', autocomplete: 'off' });
const keyForm = h(
  'form',
  {
    class: 'bar',
    hidden: true,
    submit(event: SubmitEvent) {
      event.preventDefault();
      sessionStorage.setItem(KEY, keyField.value);
      keyForm.hidden = true;
      void refresh();
    },
  },
  labelled('Key of the server', keyField),
  h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'main' }, 'Use it')),
);

const isAlone = document.documentElement.dataset.backend === 'worker';
/** Runs are a server's. */
const views: readonly View[] = [chat, translate, attention, embeddings, ...(isAlone ? [] : [training])];
const backend = isAlone ? workerBackend() : serverBackend(() => sessionStorage.getItem(KEY));
const api = new Api(backend);
const listeners: (() => void)[] = [];
let models: readonly Model[] = [];

const context: Context = {
  api,
  get models() {
    return models;
  },
  onModels(changed) {
    listeners.push(changed);
    changed();
  },
  askForKey() {
    keyForm.hidden = false;
    keyField.focus();
  },
  go(name, given) {
    location.hash = `/${name}`;
    show(name)?.(given);
  },
};

/** Asks for the models, and tells the views. */
async function refresh(): Promise<void> {
  status.classList.remove('wrong');
  status.textContent = '';
  try {
    models = await api.models();
  } catch (error) {
    tellFailure(status, context, error);
  }
  for (const changed of listeners) changed();
}

const shown = new Map<string, { section: HTMLElement; take: ((given: Given) => void) | undefined }>();

/** Shows a view, and gives what takes what another view hands over. */
function show(name: string): ((given: Given) => void) | undefined {
  const view = views.find((one) => one.name === name) ?? (views[0] as View);
  let known = shown.get(view.name);
  if (!known) {
    const section = h('section', { class: `view ${view.name}`, 'aria-label': view.title }, h('h1', {}, view.title));
    main.append(section);
    known = { section, take: view.mount(section, context) };
    shown.set(view.name, known);
  }
  for (const { section } of shown.values()) section.hidden = section !== known.section;
  for (const link of nav.querySelectorAll('a')) {
    if (link.hash === `#/${view.name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title} – heed`;
  return known.take;
}

nav.append(...views.map(({ name, title }) => h('a', { href: `#/${name}` }, title)));
main.before(keyForm, ...(backend.load ? [loading(backend.load, refresh)] : []), status);
const route = () => void show(location.hash.replace(/^#\//, ''));
addEventListener('hashchange', route);
route();
void refresh();
