/** A conversation with a language model that runs in this browser: answers come word by word, and can be stopped. heed runs the model in a worker. */
import { keepOffline } from './offline.js';

const element = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [form, text, send] = /** @type {[HTMLFormElement, HTMLTextAreaElement, HTMLButtonElement]} */ (['form', 'text', 'send'].map(element));
const [bar, status, list] = /** @type {[HTMLProgressElement, HTMLElement, HTMLElement]} */ (['bar', 'status', 'messages'].map(element));
/** A folder beside this page, or `?model=` another one, or a GGUF file. */
const model = new URL(new URLSearchParams(location.search).get('model') ?? 'model', location.href);

/** @type {import('heed').Message[]} */
let messages = [];
/** Ends the answer that is being written. @type {AbortController | undefined} */
let answering;

/** Loads heed and the model, by way of the service worker. */
async function load() {
  const kept = await keepOffline();
  /** @type {typeof import('heed')} */
  const { AutoTokenizer, pipeline, TextStreamer } = await import(new URL('heed/bundle/web.js', import.meta.url).href);
  const write = await pipeline('text-generation', model, {
    progress_callback: (event) => {
      bar.hidden = event.status === 'ready';
      if (event.status !== 'progress_total') return;
      bar.value = event.progress;
      status.textContent = `Loading the model: ${event.progress.toFixed(0)} %`;
    },
  });
  const tokenizer = await AutoTokenizer.from_pretrained(model); // the page's own, since the model has its in the worker
  return { write, tokenizer, TextStreamer, kept };
}

async function start() {
  const { write, tokenizer, TextStreamer, kept } = await load();
  const idle = `${write.info.threads} ${write.info.threads === 1 ? 'thread' : 'threads'}. Works ${kept ? 'offline' : 'online'} from now on.`;

  /** Asks, shows what comes, and remembers it, also what was stopped. @param {string} content */
  async function ask(content) {
    answering = new AbortController();
    show('user', content);
    const answer = show('assistant', '');
    const conversation = messages; // which a new chat replaces
    conversation.push({ role: 'user', content });
    let [tokens, first] = [0, 0];
    const streamer = new TextStreamer(tokenizer, {
      skip_prompt: true,
      callback_function: (piece) => answer.append(piece),
      token_callback_function: () => {
        if (tokens++ === 0) first = performance.now();
        const seconds = (performance.now() - first) / 1000;
        status.textContent = seconds > 0 ? `${tokens} tokens, ${((tokens - 1) / seconds).toFixed(1)} a second` : 'The answer begins';
      },
    });
    try {
      await write(conversation, { max_new_tokens: 512, streamer, signal: answering.signal });
    } catch (error) {
      if (!answering.signal.aborted) status.textContent = `It does not work: ${/** @type {Error} */ (error).message}`;
    }
    conversation.push({ role: 'assistant', content: answer.textContent ?? '' });
    answering = undefined;
    ready();
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (answering) return answering.abort();
    const content = text.value.trim();
    if (!content) return;
    text.value = '';
    send.textContent = 'Stop';
    ask(content);
  });
  text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!answering) form.requestSubmit();
  });
  element('new').addEventListener('click', () => {
    answering?.abort();
    messages = [];
    list.replaceChildren();
    text.focus();
  });
  status.textContent = idle;
  ready();
}

function ready() {
  send.textContent = 'Send';
  send.disabled = text.disabled = false;
  text.focus({ preventScroll: true });
}

/** @param {'user' | 'assistant'} role @param {string} content */
function show(role, content) {
  const message = Object.assign(document.createElement('li'), { className: role, textContent: content });
  list.append(message);
  message.scrollIntoView({ block: 'end' });
  return message;
}

start().catch((error) => {
  status.textContent = `It does not work: ${error.message}`;
});
