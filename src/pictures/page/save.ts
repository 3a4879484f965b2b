/** Saves a drawing as a file: an SVG that needs no style beside it. */

/** Style properties of drawings that the page sets. */
const kept = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'visibility',
  'display',
  'paint-order',
];

/** Saves `picture`, which is `shown` or a copy of it with more elements in front; `shown` is on the page, with its style. */
export function save(shown: SVGSVGElement, picture: SVGSVGElement, title: string): void {
  const [from, to] = [shown, picture].map((svg) => Array.from(svg.querySelectorAll('text, path, rect, line, g'))) as [Element[], Element[]];
  for (const [i, element] of from.entries()) {
    const style = getComputedStyle(element);
    for (const name of kept) if (style.getPropertyValue(name)) to[i]?.setAttribute(name, style.getPropertyValue(name));
  }
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: getComputedStyle(document.body).backgroundColor }))
    ground.setAttribute(name, value);
  picture.prepend(ground);
  picture.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(picture)], { type: 'image/svg+xml' }));
  link.download = `${
    title
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'attention'
  }.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
