/** A picture as a model reads it, under what a patch of it, or its class token, looks at. A click chooses the patch that looks. */
import type { Reading } from '../pictures/page/explorer.js';
import { bytesOf } from './bytes.js';
import { h } from './dom.js';

/** A picture in the server's answer. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel, in base64. */
  readonly pixels: string;
  readonly rows: number;
  readonly columns: number;
  /** Tokens before those of the patches. */
  readonly first: number;
}

/** Share of a picture's light that is left where nothing looks. */
const DARKEST = 0.18;

/** What draws the keys of a query as the picture's patches. */
export function pictureReading({ width, height, pixels, rows, columns, first }: Picture) {
  const rgb = bytesOf(pixels);
  const canvas = h('canvas', { class: 'sight', width, height, role: 'img' });
  const drawing = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = drawing.createImageData(width, height);
  let choose: Reading['choose'] = () => {};
  canvas.addEventListener('click', ({ offsetX, offsetY }) => {
    const [x, y] = [Math.floor((offsetX / canvas.clientWidth) * columns), Math.floor((offsetY / canvas.clientHeight) * rows)];
    if (x >= 0 && x < columns && y >= 0 && y < rows) choose(first + y * columns + x);
  });
  return (parent: HTMLElement, reading: Reading): void => {
    const { group, head, query = 0 } = reading;
    choose = reading.choose;
    const S = group.keys.length;
    const weights = head.weights.subarray(query * S + first, query * S + first + rows * columns);
    const most = weights.reduce((a, b) => Math.max(a, b), 1e-12);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const patch = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
        const light = DARKEST + (1 - DARKEST) * Math.sqrt((weights[patch] as number) / most);
        const at = y * width + x;
        for (let c = 0; c < 3; c++) image.data[4 * at + c] = (rgb[3 * at + c] as number) * light;
        image.data[4 * at + 3] = 255;
      }
    drawing.putImageData(image, 0, 0);
    if (query >= first) {
      const [patch, w, h] = [query - first, width / columns, height / rows];
      drawing.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--accent');
      drawing.lineWidth = 2;
      drawing.strokeRect((patch % columns) * w, Math.floor(patch / columns) * h, w, h);
    }
    canvas.setAttribute('aria-label', `The picture, lighter where ${group.queries[query]} looks; a click chooses the patch that looks`);
    if (!parent.contains(canvas)) parent.replaceChildren(canvas);
  };
}
