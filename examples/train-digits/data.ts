/**
 * Handwritten digits: 1,797 pictures of 8 x 8 pixels, each pixel from 0 (paper) to 16 (ink), by 13 people (Alpaydın & Kaynak 1998, the UCI repository's "Optical Recognition of
 * Handwritten Digits"; README.md has source and licence). The pictures are in the order in which they were collected.
 */
import { Random } from 'heed/train';

/** Side of a picture, and levels of ink. */
export const SIDE = 8;
export const LEVELS = 17;
export const PIXELS = SIDE * SIDE;

export interface Digit {
  /** [SIDE][SIDE], 0 to 16. */
  readonly pixels: Uint8Array;
  /** 0 to 9. */
  readonly label: number;
}

/** Reads digits.csv.gz: a line for each picture, 64 pixels and the digit. */
export async function readDigits(gzipped: Uint8Array<ArrayBuffer>): Promise<Digit[]> {
  const text = await new Response(new Blob([gzipped]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const numbers = line.split(',').map(Number);
      return { pixels: Uint8Array.from(numbers.slice(0, PIXELS)), label: numbers[PIXELS] as number };
    });
}

/** A fifth of the pictures, by a hash of a picture's number: training does not see them. */
export const isHeldBack = (number: number): boolean => new Random('held back', number).below(5) === 0;

/** Pictures for training, and those that are held back. */
export function split(digits: readonly Digit[]): { seen: Digit[]; unseen: Digit[] } {
  return { seen: digits.filter((_, i) => !isHeldBack(i)), unseen: digits.filter((_, i) => isHeldBack(i)) };
}

/** A picture moved to the right and down by `x` and `y` pixels, which may be negative; paper comes in. */
export function moved(pixels: Uint8Array, x: number, y: number): Uint8Array {
  const at = (row: number, column: number) => (row in rows && column in rows ? (pixels[row * SIDE + column] as number) : 0);
  return Uint8Array.from(pixels, (_, i) => at(Math.floor(i / SIDE) - y, (i % SIDE) - x));
}
const rows = Array.from({ length: SIDE });
