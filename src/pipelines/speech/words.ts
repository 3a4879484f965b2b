/** Tokens as words: at spaces, in languages without them at characters, with the punctuation that belongs to them (openai/whisper, tokenizer.py and timing.py). */
import type { Span } from './merge.js';

/** What says what tokens are as text. */
export type Decode = (tokens: readonly number[]) => string;

/** A stretch of a sound, or a word. */
export interface SpeechChunk {
  /** What is said, with the space before it. */
  text: string;
  /** Seconds from the beginning of the sound. */
  timestamp: [start: number, end: number];
}

/** Written without spaces. */
const SPACELESS: readonly string[] = ['zh', 'ja', 'th', 'lo', 'my', 'yue'];
/** What belongs to the word behind it, and to the word before. */
const BEFORE = '"\'“¿([{-¡';
const BEHIND = '"\'.。,，!！?？:：”)]}、';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';
const UNKNOWN = '\ufffd';

/** Neighbouring tokens. */
interface Part {
  text: string;
  from: number;
  to: number;
}

/** The words of a text, with the seconds of their tokens. `language` is a code. */
export function wordsOf(tokens: readonly number[], spans: readonly Span[], decode: Decode, language = 'en'): SpeechChunk[] {
  const parts = characters(tokens, decode);
  const words = punctuated(SPACELESS.includes(language) ? parts : spaced(parts));
  return words.map(({ text, from, to }) => ({ text, timestamp: [(spans[from] as Span)[0], (spans[to - 1] as Span)[1]] }));
}

/** As few tokens as are whole characters. */
function characters(tokens: readonly number[], decode: Decode): Part[] {
  const whole = decode(tokens);
  const parts: Part[] = [];
  let [from, offset] = [0, 0];
  for (let to = 1; to <= tokens.length; to++) {
    const text = decode(tokens.slice(from, to));
    const unknown = text.indexOf(UNKNOWN);
    // One that the text itself has is a character.
    if (unknown >= 0 && offset + unknown < whole.length && whole[offset + unknown] !== UNKNOWN) continue;
    parts.push({ text, from, to });
    offset += text.length;
    from = to;
  }
  return parts;
}

function spaced(parts: readonly Part[]): Part[] {
  const words: Part[] = [];
  for (const part of parts) {
    const last = words.at(-1);
    if (last && !part.text.startsWith(' ') && !PUNCTUATION.includes(part.text.trim())) {
      last.text += part.text;
      last.to = part.to;
    } else words.push({ ...part });
  }
  return words;
}

/** Punctuation joined to its words: what stands before them from behind, then what stands behind them. */
function punctuated(parts: readonly Part[]): Part[] {
  const led: Part[] = [];
  for (const part of [...parts].reverse()) {
    const next = led[0];
    if (next && part.text.startsWith(' ') && BEFORE.includes(part.text.trim()))
      led[0] = { text: part.text + next.text, from: part.from, to: next.to };
    else led.unshift(part);
  }
  const words: Part[] = [];
  for (const part of led) {
    const last = words.at(-1);
    if (last && !last.text.endsWith(' ') && BEHIND.includes(part.text))
      words[words.length - 1] = { text: last.text + part.text, from: last.from, to: part.to };
    else words.push(part);
  }
  return words;
}
