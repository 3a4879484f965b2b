/** Texts for `bench minilm`, their ids as heed and as its peer take them, and the comparison of both answers. */
import { AutoTokenizer } from 'heed';

/** A batch of ids, padded on the right. */
export interface Ids {
  ids: number[][];
  mask: number[][];
  /** Tokens of each row without padding. */
  lengths: number[];
}

export interface Sentences {
  label: string;
  texts: string[];
  batch: Ids;
}

/** 8 to 16 words, which MiniLM's tokenizer knows as wholes. */
export const sentences = Array.from({ length: 32 }, (_, i) => {
  const words = 'the old man walked along the river and saw a small boat near the other side of town'.split(' ');
  return Array.from({ length: 9 + ((i * 5) % 8) }, (_, w) => words[(i * 7 + w) % words.length]).join(' ');
});

/** More than 512 tokens: it is cut. */
export const longText = Array.from({ length: 40 }, (_, i) => sentences[i % 32]).join(' ');

function padded(rows: number[][]): Ids {
  const T = Math.max(...rows.map((row) => row.length));
  const fill = (row: number[], value: (i: number) => number) => Array.from({ length: T }, (_, i) => (i < row.length ? value(i) : 0));
  return {
    ids: rows.map((row) => fill(row, (i) => row[i] as number)),
    mask: rows.map((row) => fill(row, () => 1)),
    lengths: rows.map((row) => row.length),
  };
}

/** One row of T tokens from all over the vocabulary. */
export const rowOf = (T: number): Ids => padded([Array.from({ length: T }, (_, t) => 1000 + ((t * 7919) % 20_000))]);

export async function textsOf(folder: string, texts: string[]): Promise<Sentences> {
  const tokenizer = await AutoTokenizer.from_pretrained(folder);
  const batch = padded(texts.map((text) => tokenizer.encode(text)));
  const [least, most] = [Math.min(...batch.lengths), Math.max(...batch.lengths)];
  return { label: `${texts.length} sentences of ${least} to ${most} tokens`, texts, batch };
}

/** What float32 answers may differ by, and what 8-bit weights' cosine to them is at least. */
const tolerance = { difference: 1e-3, cosine: 0.995 };

/** Throws where an answer [B, T, C] is not the peer's, padding aside; else a line that says how near it is. */
export function checkAnswer(what: string, mine: Float32Array, right: Float32Array, { ids, lengths }: Ids, exact: boolean): string {
  if (mine.length !== right.length) throw new Error(`${what}: ${mine.length} values in place of ${right.length}`);
  const width = mine.length / ids.length;
  const C = width / (ids[0]?.length ?? 1);
  let [most, dot, mm, rr] = [0, 0, 0, 0];
  for (const [b, length] of lengths.entries())
    for (let i = b * width; i < b * width + length * C; i++) {
      const [m, r] = [mine[i] as number, right[i] as number];
      most = Math.abs(m - r) <= most ? most : Math.abs(m - r);
      dot += m * r;
      mm += m * m;
      rr += r * r;
    }
  const cosine = dot / Math.sqrt(mm * rr);
  const line = `${what}: largest difference from onnxruntime-web ${most.toExponential(1)}, cosine ${cosine.toFixed(6)}`;
  if (exact ? most <= tolerance.difference : cosine >= tolerance.cosine) return line;
  throw new Error(line);
}
