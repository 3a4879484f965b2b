/** Weights as an image, one pixel each; where several share a pixel, the largest of them, so that a line one token wide can still be seen. */
import type { Palette, Shade } from './palette.js';

export function image(weights: Float32Array, rows: number, columns: number, shade: Shade, palette: Palette, limit = 4096): ImageData {
  const step = Math.ceil(Math.max(rows, columns) / limit);
  const [height, width] = [Math.ceil(rows / step), Math.ceil(columns / step)];
  const largest = new Float32Array(height * width);
  for (let i = 0; i < rows; i++) {
    const row = Math.floor(i / step) * width;
    for (let j = 0; j < columns; j++) {
      const [at, w] = [row + Math.floor(j / step), weights[i * columns + j] as number];
      if (w > (largest[at] as number)) largest[at] = w;
    }
  }
  const made = new ImageData(width, height);
  const out = new Uint32Array(made.data.buffer);
  for (let i = 0; i < out.length; i++) out[i] = palette.pixel(shade(largest[i] as number));
  return made;
}

/** Draws the image on a canvas. */
export function paint(canvas: HTMLCanvasElement, made: ImageData): void {
  canvas.width = made.width;
  canvas.height = made.height;
  canvas.getContext('2d')?.putImageData(made, 0, 0);
}
