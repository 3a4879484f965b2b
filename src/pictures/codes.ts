/**
 * Attention weights as base64 text inside a page: written by attention.ts, read by the page's own script. 16 bits keep a weight to 1e-5; 8 bits are for pictures
 * that would be too large, and hold the square root, since most weights of a long text are small.
 */

/** Codes of a weight w of 0 to 1: its conversion to a whole number and back, and its text for readers. */
export const codes = {
  u16: {
    bytes: 2,
    write: (w: number) => Math.round(w * 65535),
    read: (q: number) => q / 65535,
    show: (w: number) => w.toFixed(4),
  },
  u8: {
    bytes: 1,
    write: (w: number) => Math.round(Math.sqrt(w) * 255),
    read: (q: number) => (q / 255) ** 2,
    show: (w: number) => `≈ ${w === 0 ? 0 : Number(w.toPrecision(2))}`,
  },
} as const;
export type CodeName = keyof typeof codes;

/** Data of a page beside its texts. */
export interface PageData {
  tokens: { source: readonly string[]; target: readonly string[] };
  groups: readonly GroupData[];
}

export interface GroupData {
  name: string;
  /** Names of the tokens of the queries, and of the keys. */
  queries: keyof PageData['tokens'];
  keys: keyof PageData['tokens'];
  layers: number;
  heads: number;
  code: CodeName;
  /** Encoded weights [L, H, T, S]. */
  weights: string;
}

/** Bytes to convert to characters at once: a call may have about this many arguments everywhere. */
const CHUNK = 0x8000;

/** Encodes weights of 0 to 1, array after array, in base64; little-endian. */
export function encode(arrays: readonly ArrayLike<number>[], name: CodeName): string {
  const { bytes: width, write } = codes[name];
  const out = new Uint8Array(width * arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const weights of arrays)
    for (let i = 0; i < weights.length; i++) {
      const q = write(weights[i] as number);
      out[at++] = q & 255;
      if (width === 2) out[at++] = q >> 8;
    }
  let binary = '';
  for (let i = 0; i < out.length; i += CHUNK) {
    // Spread syntax would iterate over the bytes one by one.
    binary += String.fromCharCode.apply(undefined, out.subarray(i, i + CHUNK) as unknown as number[]);
  }
  return btoa(binary);
}

/** Decodes weights, as exactly as the code keeps them. */
export function decode(text: string, name: CodeName): Float32Array {
  const { bytes: width, read } = codes[name];
  const binary = atob(text);
  const table = Float32Array.from({ length: 1 << (8 * width) }, (_, q) => read(q));
  const out = new Float32Array(binary.length / width);
  for (let i = 0; i < out.length; i++) {
    const q = width === 2 ? binary.charCodeAt(2 * i) | (binary.charCodeAt(2 * i + 1) << 8) : binary.charCodeAt(i);
    out[i] = table[q] as number;
  }
  return out;
}
