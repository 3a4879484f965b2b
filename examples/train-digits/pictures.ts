/** Pictures of 8 x 8 pixels on canvases, and the visitor's own: a pen on a large canvas, and what is left of its line in 8 x 8 pixels. */
import { LEVELS, SIDE } from './data.js';
import { PATCHES } from './reader.js';

/** Shows a picture, each pixel a square. */
export function show(canvas: HTMLCanvasElement, pixels: ArrayLike<number>): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const size = width / SIDE;
  context.fillStyle = getComputedStyle(canvas).color;
  for (let i = 0; i < pixels.length; i++) {
    context.globalAlpha = (pixels[i] as number) / (LEVELS - 1);
    context.fillRect((i % SIDE) * size, Math.floor(i / SIDE) * size, size + 0.5, size + 0.5);
  }
  context.globalAlpha = 1;
}

/** Lays attention [PATCHES] over a picture: a square for each patch, the most looked at the least transparent. */
export function cover(grid: HTMLElement, attention: readonly number[]): void {
  while (grid.children.length < PATCHES) grid.append(document.createElement('span'));
  const most = Math.max(...attention);
  for (const [p, square] of ([...grid.children] as HTMLElement[]).entries())
    square.style.opacity = String(0.8 * ((attention[p] ?? 0) / most || 0));
}

/** A pen on a canvas: `onChange` hears the picture after each movement. */
export class Pen {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #isEmpty = true;

  constructor(canvas: HTMLCanvasElement, onChange: (pixels: Uint8Array) => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
    const at = ({ offsetX, offsetY }: PointerEvent): [number, number] => {
      const scale = canvas.width / canvas.clientWidth;
      return [offsetX * scale, offsetY * scale];
    };
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      const context = this.#context;
      Object.assign(context, { lineWidth: canvas.width / 9, lineCap: 'round', lineJoin: 'round' });
      context.strokeStyle = getComputedStyle(canvas).color;
      context.beginPath();
      context.moveTo(...at(event));
      this.#line(at(event), onChange);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#line(at(event), onChange);
    });
  }

  #line(to: [number, number], onChange: (pixels: Uint8Array) => void): void {
    this.#isEmpty = false;
    this.#context.lineTo(...to);
    this.#context.stroke();
    onChange(this.pixels());
  }

  clear(): void {
    this.#isEmpty = true;
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** The line as the data has digits: its box is brought to a bitmap of 32 x 32, and the dots of each 4 x 4 are counted. */
  pixels(): Uint8Array {
    const counts = new Uint8Array(SIDE * SIDE);
    if (this.#isEmpty) return counts;
    const { width, height } = this.#canvas;
    const isInk = (alpha: Uint8ClampedArray, i: number) => (alpha[4 * i + 3] as number) > 127;
    const all = this.#context.getImageData(0, 0, width, height).data;
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let i = 0; i < width * height; i++) {
      if (!isInk(all, i)) continue;
      const [x, y] = [i % width, Math.floor(i / width)];
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
    const side = 4 * SIDE;
    const scale = side / Math.max(right - left, bottom - top);
    const [w, h] = [(right - left) * scale, (bottom - top) * scale];
    const small = new OffscreenCanvas(side, side).getContext('2d') as OffscreenCanvasRenderingContext2D;
    small.drawImage(this.#canvas, left, top, right - left, bottom - top, (side - w) / 2, (side - h) / 2, w, h);
    const { data } = small.getImageData(0, 0, side, side);
    for (let i = 0; i < side * side; i++) {
      const cell = Math.floor(i / side / 4) * SIDE + Math.floor((i % side) / 4);
      if (isInk(data, i)) counts[cell] = (counts[cell] as number) + 1;
    }
    return counts;
  }
}
