/** Letters from scores at every step of a sound (connectionist temporal classification: Graves et al. 2006), as transformers' Wav2Vec2CTCTokenizer has them: vocab.json and tokenizer_config.json. */
import { type Folder, folderOf } from '../../io/folder.js';
import { JsonNode, readJson } from '../../io/json.js';
import type { OpenOptions, Runtime } from '../../runtime/types.js';

/** A letter or a word, and the steps from and to which it was heard. */
export interface Stretch {
  text: string;
  from: number;
  to: number;
}

/** A model's letters. */
export class Letters {
  private constructor(
    /** By their numbers. */
    readonly names: readonly string[],
    /** The number of the blank, which says that nothing was heard. */
    readonly blank: number,
    /** What stands between words. */
    readonly delimiter: string,
    /** Whether texts are in lower case. */
    readonly lower: boolean,
  ) {}

  /** Reads a model's folder. Throws NOT_FOUND, FORMAT. */
  static async load(runtime: Runtime, from: string | Folder, options: Pick<OpenOptions, 'signal'>): Promise<Letters> {
    const folder = folderOf(runtime, from);
    const [file, own] = ['vocab.json', 'tokenizer_config.json'];
    const vocabulary = JsonNode.of(folder.locate(file), await readJson(folder, file, options));
    const config = JsonNode.of(folder.locate(own), (await readJson(folder, own, { ...options, optional: true })) ?? {});
    const ids = new Map(Object.entries(vocabulary.value));
    const names: string[] = [];
    for (const [name, id] of ids) {
      if (!(Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < ids.size)) throw vocabulary.error(`must number ${name}`);
      names[id as number] = name;
    }
    const pad = config.string('pad_token', '<pad>');
    const blank = ids.get(pad);
    if (typeof blank !== 'number') throw vocabulary.error(`must have ${pad}, which stands for nothing`);
    return new Letters(names, blank, config.string('word_delimiter_token', '|'), config.boolean('do_lower_case', false));
  }

  /** Letters of the best number of each step: equal neighbours are one, and blanks none. */
  read(best: ArrayLike<number>): Stretch[] {
    const found: Stretch[] = [];
    for (let from = 0, to = 0; from < best.length; from = to) {
      const id = best[from] as number;
      while (to < best.length && best[to] === id) to++;
      const name = this.names[id] ?? '';
      if (id !== this.blank) found.push({ text: name === this.delimiter ? ' ' : name, from, to });
    }
    return found;
  }

  /** All letters side by side. */
  text(letters: readonly Stretch[]): string {
    const text = letters
      .map((letter) => letter.text)
      .join('')
      .trim();
    return this.lower ? text.toLowerCase() : text;
  }
}

/** Words: letters between spaces. */
export function wordsIn(letters: readonly Stretch[]): Stretch[] {
  const words: Stretch[] = [];
  let inside = false;
  for (const { text, from, to } of letters) {
    const last = words.at(-1);
    if (text !== ' ' && inside && last) {
      last.text += text;
      last.to = to;
    } else if (text !== ' ') words.push({ text, from, to });
    inside = text !== ' ';
  }
  return words;
}
