/** The list of what was found: links to paragraphs, best first, which the arrow keys walk through; Enter opens, / comes back to the field. */

/** @param {Element} list @param {readonly Element[]} paragraphs @param {readonly import('heed').SearchHit[]} hits */
export function show(list, paragraphs, hits) {
  list.replaceChildren(
    ...hits.map(({ corpus_id, score }) => {
      const { id, textContent } = /** @type {Element} */ (paragraphs[corpus_id]);
      const link = Object.assign(document.createElement('a'), { href: `#${id}` });
      link.append(made('b', score.toFixed(2)), made('span', textContent));
      const item = document.createElement('li');
      item.append(link);
      return item;
    }),
  );
}

/** @param {string} name @param {string | null} textContent */
const made = (name, textContent) => Object.assign(document.createElement(name), { textContent });

/** @param {HTMLFormElement} form @param {HTMLInputElement} field @param {Element} list */
export function listenToKeys(form, field, list) {
  const links = () => [...list.querySelectorAll('a')];
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    links()[0]?.click();
  });
  document.addEventListener('keydown', (event) => {
    const stops = [field, ...links()];
    const at = stops.indexOf(/** @type {HTMLInputElement} */ (document.activeElement));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = event.key === '/' && at !== 0 ? field : step && at >= 0 ? stops[at + step] : undefined;
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
