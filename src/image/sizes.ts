/** Sizes that pictures are resized to, as transformers computes them: heights before widths, rounded as Python rounds. */
import { HeedError, kindOf } from '../errors.js';
import { isObject } from '../io/json.js';

/** Height and width, in pixels. */
export type Size = readonly [height: number, width: number];

/** A size of preprocessor_config.json, by the names of its members. */
export type SizeRule = Readonly<Partial<Record<(typeof members)[number], number>>>;

const members = ['height', 'width', 'shortest_edge', 'longest_edge', 'max_height', 'max_width'] as const;

/** Largest edge that a config may ask for. */
const LARGEST = 1 << 16;

/** Rounds halves to even, as Python does. */
const rounded = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/**
 * Reads a size: an object, or a number, which is a square's edge or the shortest edge. Throws FORMAT.
 */
export function sizeRule(file: string, name: string, given: unknown, isSquare: boolean): SizeRule {
  if (typeof given === 'number')
    return sizeRule(file, name, isSquare ? { height: given, width: given } : { shortest_edge: given }, isSquare);
  if (Array.isArray(given) && given.length === 2) return sizeRule(file, name, { height: given[0], width: given[1] }, isSquare);
  const entries = isObject(given) ? Object.entries(given).filter(([, value]) => value !== null) : [];
  const fits = ([key, value]: [string, unknown]) =>
    (members as readonly string[]).includes(key) && Number.isInteger(value) && (value as number) > 0 && (value as number) <= LARGEST;
  if (entries.length > 0 && entries.every(fits)) return Object.fromEntries(entries);
  throw new HeedError('FORMAT', `${file}: ${name} is ${isObject(given) ? JSON.stringify(given) : kindOf(given)}`, {
    culprit: file,
    cure: `It must be a number of pixels, or have some of ${members.join(', ')}`,
  });
}

/** Returns the size that a picture of a size becomes. `multiple`: the edges are cut down to multiples of it, as YOLOS has them. Throws FORMAT for a rule without a meaning. */
export function resizedSize(file: string, [height, width]: Size, rule: SizeRule, multiple = 1): Size {
  const { shortest_edge: short, longest_edge: long, max_height, max_width } = rule;
  const down = (edge: number) => Math.max(1, edge - (edge % multiple));
  if (short && long) return bounded([height, width], short, long).map(down) as unknown as Size;
  if (short) {
    const other = (from: number, to: number) => Math.max(1, Math.trunc((short * from) / to));
    return width <= height ? [other(height, width), short] : [short, other(width, height)];
  }
  if (long) {
    const scale = long / Math.max(height, width);
    return [Math.max(1, Math.trunc(height * scale)), Math.max(1, Math.trunc(width * scale))];
  }
  if (max_height && max_width) {
    const scale = Math.min(max_height / height, max_width / width);
    return [Math.max(1, Math.trunc(height * scale)), Math.max(1, Math.trunc(width * scale))];
  }
  return exact(file, rule);
}

/** Returns the height and width of a rule that has both. Throws FORMAT. */
export function exact(file: string, { height, width }: SizeRule, name = 'size'): Size {
  if (height && width) return [height, width];
  throw new HeedError('FORMAT', `${file}: ${name} needs height and width, or an edge`, { culprit: file });
}

/** The shortest edge is `short`, unless the longest would be above `long`. */
function bounded([height, width]: Size, short: number, long: number): Size {
  const [least, most] = [Math.min(height, width), Math.max(height, width)];
  const raw = (most / least) * short > long ? (long * least) / most : undefined;
  const edge = raw === undefined ? short : rounded(raw);
  if (least === edge) return [height, width];
  const other = Math.max(1, Math.trunc(((raw ?? edge) * most) / least));
  return (width < height ? [other, edge] : [edge, other]).map((n) => Math.max(1, n)) as unknown as Size;
}

/** Returns the size that depth models want: multiples, scaled as little as possible where the ratio is kept. */
export function multiplesSize([height, width]: Size, [toHeight, toWidth]: Size, keepsRatio: boolean, multiple: number): Size {
  let [down, across] = [toHeight / height, toWidth / width];
  if (keepsRatio) {
    if (Math.abs(1 - across) < Math.abs(1 - down)) down = across;
    else across = down;
  }
  const constrained = (edge: number) => Math.max(multiple, rounded(edge / multiple) * multiple);
  return [constrained(down * height), constrained(across * width)];
}
