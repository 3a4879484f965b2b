/** The page embeds its own paragraphs, and finds those that mean what is typed. heed runs the model in a worker, so that typing is never held up. */
import { keepOffline } from './offline.js';
import { listenToKeys, show } from './results.js';

const element = (/** @type {string} */ id) => document.getElementById(id);
const form = /** @type {HTMLFormElement} */ (element('form'));
const query = /** @type {HTMLInputElement} */ (element('query'));
const bar = /** @type {HTMLProgressElement} */ (element('bar'));
const [status, results] = /** @type {[HTMLElement, HTMLElement]} */ ([element('status'), element('results')]);
const paragraphs = [...document.querySelectorAll('main p')];

/** Loads heed and the model, by way of the service worker. */
async function load() {
  const kept = await keepOffline();
  /** @type {typeof import('heed')} */
  const { pipeline, semantic_search } = await import(new URL('heed/bundle/web.js', import.meta.url).href);
  const extractor = await pipeline('feature-extraction', new URL('model', import.meta.url), {
    progress_callback: (event) => {
      bar.hidden = event.status === 'ready';
      if (event.status !== 'progress_total') return;
      bar.value = event.progress;
      status.textContent = `Loading the model: ${event.progress.toFixed(0)} %`;
    },
  });
  const { threads } = extractor.info;
  const where = kept ? 'Works offline from now on' : 'Works online: there is no service worker here';
  return {
    extractor,
    semantic_search,
    info: `${paragraphs.length} paragraphs, ${threads} ${threads === 1 ? 'thread' : 'threads'}. ${where}.`,
  };
}

async function start() {
  const { extractor, semantic_search, info } = await load();
  /** @param {string | string[]} texts @param {AbortSignal} [signal] */
  const embed = (texts, signal) => extractor(texts, { pooling: 'mean', normalize: true, signal });
  const vectors = await embed(paragraphs.map(({ textContent }) => textContent ?? ''));
  let typing = new AbortController();

  query.addEventListener('input', async () => {
    typing.abort(); // nobody asks any more for what was typed before
    typing = new AbortController();
    const { signal } = typing;
    if (!query.value.trim()) return show(results, paragraphs, []);
    const sought = await embed(query.value, signal).catch(() => undefined);
    if (!sought || signal.aborted) return;
    const [hits = []] = semantic_search(sought, vectors, { top_k: 3 });
    show(results, paragraphs, hits);
  });
  status.textContent = info;
  query.disabled = false;
  query.focus({ preventScroll: true });
}

listenToKeys(form, query, results);
start().catch((error) => {
  status.textContent = `It does not work: ${error.message}`;
});
