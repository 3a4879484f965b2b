/**
 * Learns the merges of byte-pair encoding (Sennrich, Haddow & Birch 2016, arXiv 1508.07909) from counted words: the most
 * frequent pair of neighbouring pieces becomes a piece, over and over. Counts are kept up to date where a merge changes a
 * word, and a heap whose top is corrected when it is out of date gives the next pair, so a merge costs only its changes.
 * Every rule that affects the result, ties included, is that of Hugging Face's BpeTrainer, so the merges are the same.
 */
import { Heap } from './heap.js';

export interface MergeRules {
  /** Number of pieces at which merging ends. The alphabet and `specialTokens` are kept even beyond it. */
  vocabSize: number;
  /** Least count of a pair to be merged. */
  minFrequency: number;
  /** First entries of the vocabulary. */
  specialTokens: readonly string[];
  /** Characters that are pieces even if no word has them. */
  initialAlphabet: readonly string[];
  /** Maximum number of characters that are pieces; the rarest are dropped, and among equally rare ones those with the larger code points. */
  limitAlphabet: number | undefined;
}

export interface Merges {
  /** Every piece; its index is its id. */
  readonly tokens: readonly string[];
  /** Pairs of pieces that are merged, in the order in which an encoder must try them. */
  readonly merges: readonly (readonly [left: string, right: string])[];
}

/** Two neighbouring pieces, and how often they have stood side by side. */
interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  /** Words that got the pair in the merge under way. */
  fresh: number[] | undefined;
}

/** A pair as it was when it entered the heap, with the words that had it then. A pair enters once: no later merge makes one of its pieces again. */
interface Candidate {
  readonly pair: Pair;
  readonly count: number;
  readonly words: readonly number[];
}

/** Learns merges from how often each word occurs. */
export function learnMerges(counts: ReadonlyMap<string, number>, rules: MergeRules): Merges {
  const tokens = [...new Set([...rules.specialTokens, ...alphabetOf(counts, rules)])];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = new Words(counts, ids);
  const queue = new Heap(precedes);
  for (const candidate of words.takeFresh()) queue.push(candidate);
  const merges: [string, string][] = [];
  while (tokens.length < rules.vocabSize) {
    const top = queue.pop();
    if (!top) break;
    const { pair } = top;
    if (top.count !== pair.count) {
      queue.push({ ...top, count: pair.count });
      continue;
    }
    if (pair.count < Math.max(1, rules.minFrequency)) break;
    const [left, right] = [tokens[pair.left] as string, tokens[pair.right] as string];
    // A special token may already be spelt so.
    let id = ids.get(left + right);
    if (id === undefined) {
      id = tokens.push(left + right) - 1;
      ids.set(left + right, id);
    }
    merges.push([left, right]);
    for (const word of top.words) words.merge(word, pair, id);
    for (const candidate of words.takeFresh()) queue.push(candidate);
  }
  return { tokens, merges };
}

/** The characters that become pieces, by code point. */
function alphabetOf(counts: ReadonlyMap<string, number>, { initialAlphabet, limitAlphabet }: MergeRules): string[] {
  const frequency = new Map<string, number>();
  for (const [word, count] of counts) for (const character of word) frequency.set(character, (frequency.get(character) ?? 0) + count);
  for (const character of initialAlphabet) frequency.set(character, Number.POSITIVE_INFINITY);
  const codeOf = (character: string) => character.codePointAt(0) as number;
  const characters = [...frequency.keys()].sort((a, b) => codeOf(a) - codeOf(b));
  if (limitAlphabet === undefined || characters.length <= limitAlphabet) return characters;
  const kept = characters.toSorted((a, b) => (frequency.get(b) as number) - (frequency.get(a) as number)).slice(0, limitAlphabet);
  return kept.sort((a, b) => codeOf(a) - codeOf(b));
}

/** Words as runs of ids, and the count of every pair in them. */
class Words {
  //  ids      5 9 9 7 | 3 5 | 9 …      word w begins at begins[w] and has lengths[w] pieces:
  //  begins   0         4     6 …      merged in place, it gets shorter and leaves a gap behind it
  readonly #ids: Int32Array;
  readonly #begins: Int32Array;
  readonly #lengths: Int32Array;
  readonly #counts: Float64Array;
  readonly #pairs = new Map<number, Pair>();
  #fresh: Pair[] = [];

  constructor(counts: ReadonlyMap<string, number>, alphabet: ReadonlyMap<string, number>) {
    let size = 0;
    for (const word of counts.keys()) size += word.length;
    this.#ids = new Int32Array(size);
    this.#begins = new Int32Array(counts.size);
    this.#lengths = new Int32Array(counts.size);
    this.#counts = Float64Array.from(counts.values());
    let [at, word] = [0, 0];
    for (const text of counts.keys()) {
      this.#begins[word] = at;
      for (const character of text) {
        const id = alphabet.get(character);
        // Characters beyond the alphabet's limit are passed over, and their neighbours become neighbours.
        if (id !== undefined) this.#ids[at++] = id;
      }
      const length = at - (this.#begins[word] as number);
      this.#lengths[word] = length;
      for (let i = at - length; i < at - 1; i++) this.#change(this.#ids[i] as number, this.#ids[i + 1] as number, word, 1);
      word++;
    }
  }

  /** Replaces a pair by one piece wherever it stands in a word, from the left. The pair's own count is unchanged. */
  merge(word: number, { left, right }: Pair, id: number): void {
    const ids = this.#ids;
    const begin = this.#begins[word] as number;
    const end = begin + (this.#lengths[word] as number);
    let to = begin;
    for (let from = begin; from < end; from++) {
      if (ids[from] !== left || from + 1 === end || ids[from + 1] !== right) {
        ids[to++] = ids[from] as number;
        continue;
      }
      if (to > begin) {
        const before = ids[to - 1] as number;
        this.#change(before, left, word, -1);
        this.#change(before, id, word, 1);
      }
      ids[to++] = id;
      from++;
      if (from + 1 === end) continue;
      const after = ids[from + 1] as number;
      this.#change(right, after, word, -1);
      this.#change(id, after, word, 1);
    }
    this.#lengths[word] = to - begin;
  }

  /** Pairs that words have got since the last call, with those words. */
  takeFresh(): Candidate[] {
    const candidates = this.#fresh.map((pair) => {
      const words = pair.fresh as number[];
      pair.fresh = undefined;
      return { pair, count: pair.count, words };
    });
    this.#fresh = [];
    return candidates.filter(({ count }) => count > 0);
  }

  #change(left: number, right: number, word: number, sign: 1 | -1): void {
    // Ids stay below 2^24 (LARGEST_ID), so the key is exact.
    const key = left * 0x1000000 + right;
    let pair = this.#pairs.get(key);
    if (!pair) {
      pair = { left, right, count: 0, fresh: undefined };
      this.#pairs.set(key, pair);
    }
    pair.count += sign * (this.#counts[word] as number);
    if (sign < 0) return;
    if (!pair.fresh) {
      pair.fresh = [];
      this.#fresh.push(pair);
    }
    // Words come one after the other.
    if (pair.fresh.at(-1) !== word) pair.fresh.push(word);
  }
}

/** The most frequent pair first, of equally frequent ones that with the smaller ids. */
function precedes(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.pair.left !== b.pair.left) return a.pair.left < b.pair.left;
  return a.pair.right < b.pair.right;
}
