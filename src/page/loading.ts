/** Models of a page without a server: those that its maker offers, one from the hub or another address, or files of the user's own, which leave the machine for nowhere. */
import type { Backend, Offer, Source } from './backend.js';
import { h, labelled } from './dom.js';

/** Name of a model by where it is. */
const nameOf = (source: string): string =>
  source
    .replace(/[?#@].*/s, '')
    .split('/')
    .filter(Boolean)
    .at(-1)
    ?.replace(/\.gguf$/i, '') ?? source;

/** A form that loads models. `loaded` is called after each. */
export function loading(load: NonNullable<Backend['load']>, loaded: () => Promise<void>): HTMLElement {
  const offers = h('datalist', { id: 'offers' });
  const address = h('input', { type: 'text', list: 'offers', size: 34, autocomplete: 'off', spellcheck: 'false' });
  const folder = h('input', { type: 'file', multiple: true, webkitdirectory: true });
  const button = h('button', { type: 'submit', class: 'main' }, 'Load');
  const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Loading the model', hidden: true });
  const status = h('p', { class: 'status', role: 'status' }, 'Models run in this browser; no text leaves it.');
  const known = new Map<string, string>();

  const take = async (name: string, source: Source) => {
    button.disabled = true;
    bar.hidden = false;
    status.classList.remove('wrong');
    status.textContent = `Loading ${name} …`;
    try {
      await load(name, source, (share) => {
        bar.value = share;
      });
      status.textContent = `${name} is ready.`;
    } catch (error) {
      status.textContent = error instanceof Error ? error.message : String(error);
      status.classList.add('wrong');
    }
    bar.hidden = true;
    button.disabled = false;
    await loaded();
  };

  folder.addEventListener('change', () => {
    const files = Array.from(folder.files ?? []);
    const [first] = files;
    if (first) void take(nameOf(first.webkitRelativePath.split('/')[0] || first.name), files);
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = address.value.trim();
    const source = known.get(given) ?? given;
    // What lies beside the page is meant from the page, and not from its worker.
    if (source)
      void take(known.has(given) ? given : nameOf(source), /^\.{0,2}\//.test(source) ? new URL(source, document.baseURI).href : source);
  };
  const offered = async () => {
    const response = await fetch(new URL('models.json', document.baseURI));
    for (const { name, source } of (await response.json()) as readonly Offer[]) {
      known.set(name, source);
      offers.append(h('option', { value: name }));
      address.value ||= name;
    }
  };
  // A page whose maker offers no model has no such file.
  void offered().catch(() => {});
  return h(
    'form',
    { class: 'bar', submit },
    labelled('Model: a name on the hub, or an address', address),
    offers,
    h('div', { class: 'buttons' }, button),
    labelled('or a folder of your own', folder),
    bar,
    status,
  );
}
