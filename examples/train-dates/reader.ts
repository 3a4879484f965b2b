/** A model and its characters: reads dates by greedy decoding, the likeliest character again and again, and shows where it looked. */
import { type Tensor, tensor } from 'heed/ops';
import { type Padded, pad } from 'heed/train';
import { BEGIN, type Characters, END, PAD } from './characters.js';
import { normalize } from './data.js';
import { type DateReader, likeliest } from './model.js';

/** What was made of a text, and the attention from each character of it to each of the text's. */
export interface Reading {
  said: string;
  /** As tokens: T of them, and S. */
  rows: readonly string[];
  columns: readonly string[];
  /** [T][S], the mean over heads. */
  weights: readonly number[][];
}

/** The tokens of 2021-03-04</s>. */
const LONGEST = 11;

export class Reader {
  constructor(
    readonly model: DateReader,
    readonly characters: Characters,
  ) {}

  /** ISO dates, or what the model takes for such. */
  read(texts: readonly string[]): string[] {
    return this.#say(this.#encode(texts)).map((ids) => this.characters.decode(ids));
  }

  /** Reads one text, and then asks for the attention of it all. */
  look(text: string): Reading {
    const { model, characters } = this;
    const source = this.#encode([text]);
    const [ids = []] = this.#say(source);
    const lengths = [...source.lengths];
    let weights: number[][][] = []; // [H][T][S]
    model.engine.scope(() => {
      const told = this.#rows([[BEGIN, ...ids.slice(0, -1)]]);
      const listen = (seen: Tensor) => ([weights] = seen.toHost().tolist() as [number[][][]]);
      model.decode(model.encode(this.#ids(source), lengths), told, lengths, listen);
    });
    const mean = (t: number, s: number) => weights.reduce((sum, head) => sum + (head[t]?.[s] ?? 0), 0) / weights.length;
    const names = (tokens: Iterable<number>) => Array.from(tokens, (id) => characters.tokens[id] ?? '');
    return {
      said: characters.decode(ids),
      rows: names(ids),
      columns: names(source.ids.data),
      weights: ids.map((_, t) => Array.from(source.ids.data, (_, s) => mean(t, s))),
    };
  }

  /** What the model says to each text, up to the end. */
  #say(source: Padded): number[][] {
    const { model } = this;
    const lengths = [...source.lengths];
    return model.engine.scope(() => {
      const memory = model.encode(this.#ids(source), lengths);
      const rows = lengths.map(() => [BEGIN as number]);
      for (let t = 0; t < LONGEST; t++) {
        const next = model.engine.scope(() => likeliest(model.decode(memory, this.#rows(rows), lengths)));
        rows.forEach((row, i) => void row.push(next[i]?.[t] as number));
      }
      return rows.map(([, ...ids]) => ids.slice(0, ids.indexOf(END) + 1 || LONGEST));
    });
  }

  #encode(texts: readonly string[]): Padded {
    const rows = texts.map((text) => [...this.characters.encode(normalize(text)), END]);
    return pad(rows, PAD);
  }

  #rows = (rows: readonly number[][]): Tensor => tensor(this.model.engine, rows, undefined, 'int32');
  #ids = ({ ids }: Padded): Tensor => tensor(this.model.engine, ids.data, ids.dims);
}
