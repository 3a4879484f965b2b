/** Elements, made in one expression. Nothing here is of the page's own subject. */

type Child = Node | string | undefined | false;

/** Attributes by their names; functions are listeners of events. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: never) => void)>>;

/** Makes an element with attributes and children. An attribute that is false or undefined is left out, one that is true is empty. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element of a drawing. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value as (event: Event) => void);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

let fields = 0;

/** Puts a label over a field. */
export function labelled(text: string, field: HTMLElement, className = 'field'): HTMLElement {
  field.id ||= `field-${++fields}`;
  return h('div', { class: className }, h('label', { for: field.id }, text), field);
}

/** A text of several lines. */
export const textArea = (rows: number, value: string): HTMLTextAreaElement => {
  const area = h('textarea', { rows, spellcheck: 'false', dir: 'auto' });
  area.value = value;
  return area;
};

/** A slider whose value stands beside its label. */
export function slider(
  text: string,
  [least, most, step, value]: readonly [number, number, number, number],
  changed: () => void = () => {},
): { readonly element: HTMLElement; readonly value: number } {
  const input = h('input', { type: 'range', min: least, max: most, step, value });
  const output = h('output', {}, String(value));
  input.addEventListener('input', () => {
    output.textContent = input.value;
    changed();
  });
  const element = labelled(text, input, 'field slider');
  element.append(output);
  return {
    element,
    get value() {
      return Number(input.value);
    },
  };
}

/** Calls back when an element has another width than before. */
export function onWidth(element: HTMLElement, changed: () => void): void {
  let width = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    changed();
  }).observe(element);
}
