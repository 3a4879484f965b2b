/** Heat over a picture: a copy for each head, in a grid, grey where nothing is looked at. */
import type { Engine } from '../engine/engine.js';
import { RawImage } from '../image/raw_image.js';
import { resample } from '../image/resample.js';
import type { HostTensor } from '../tensor.js';

/** Colours of shares 0, 1/4 … 1, as even to the eye as matplotlib's inferno, whose values they are. */
const colours = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164],
] as const;
/** How much of a pixel its colour is; the rest is the picture in grey. */
const OPACITY = 0.6;
/** Pixels between the copies of a picture, which are white, and of a copy's longer side at least. */
const [GAP, LEAST] = [4, 224];

/** Heats [N, lines, columns] over a picture whose patches have `patch` pixels a side. Each is as bright as its largest number says. */
export function heatPicture(engine: Engine, picture: RawImage, { data, dims }: HostTensor, patch: number): RawImage {
  const [N, lines, columns] = dims as [number, number, number];
  const times = Math.max(1, Math.ceil(LEAST / Math.max(picture.width, picture.height)));
  const [width, height] = [picture.width * times, picture.height * times];
  const grey = new RawImage(resample(engine, picture.clone().grayscale(), width, height, 'bicubic'), width, height, 1);
  const across = Math.ceil(Math.sqrt(N));
  const down = Math.ceil(N / across);
  const [W, H] = [across * (width + GAP) - GAP, down * (height + GAP) - GAP];
  const sheet = new RawImage(new Uint8ClampedArray(W * H * 3).fill(255), W, H, 3);
  for (let n = 0; n < N; n++) {
    const heat = Array.from(data.subarray(n * lines * columns, (n + 1) * lines * columns), Number);
    const most = Math.max(...heat) || 1;
    const bytes = Uint8ClampedArray.from(heat, (share) => (255 * share) / most);
    const small = { data: bytes, width: columns, height: lines, channels: 1 };
    const [wide, tall] = [columns * patch * times, lines * patch * times];
    // Pixels at the right and below that fill no patch are not seen.
    const large = new RawImage(resample(engine, small, wide, tall, 'bilinear'), wide, tall, 1).framed(0, 0, width, height);
    place(sheet, grey, large, (n % across) * (width + GAP), Math.floor(n / across) * (height + GAP));
  }
  return sheet;
}

function place(sheet: RawImage, grey: RawImage, heat: RawImage, left: number, top: number): void {
  const { width, height } = grey;
  for (let i = 0; i < width * height; i++) {
    const colour = colourOf((heat.data[i] as number) / 255);
    const at = ((top + Math.floor(i / width)) * sheet.width + left + (i % width)) * 3;
    for (const [c, value] of colour.entries()) sheet.data[at + c] = OPACITY * value + (1 - OPACITY) * (grey.data[i] as number);
  }
}

function colourOf(share: number): number[] {
  const at = Math.min(share * (colours.length - 1), colours.length - 1 - 1e-6);
  const [low, high] = [colours[Math.floor(at)], colours[Math.floor(at) + 1]] as [(typeof colours)[number], (typeof colours)[number]];
  return low.map((value, c) => value + (at % 1) * ((high[c] as number) - value));
}
