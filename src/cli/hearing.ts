/** Progress of a text in generation, for commands: words as they come, and counts of tokens. */
import { TextStreamer } from '../generation/streamer.js';
import type { CallableTokenizer } from '../text/tokenizer.js';

/** A streamer that passes words to `say`, and the text and counts so far. */
export function hearing(tokenizer: CallableTokenizer, say: (piece: string) => void) {
  let text = '';
  const words = new TextStreamer(tokenizer, {
    skip_prompt: true,
    callback_function: (piece) => {
      text += piece;
      say(piece);
    },
  });
  // The prompt's tokens come first, then one at a time.
  const counts: number[] = [];
  const streamer = {
    put(rows: number[][]) {
      counts.push(rows[0]?.length ?? 0);
      words.put(rows);
    },
    end: () => words.end(),
    stopsAt: (strings: readonly string[]) => words.stopsAt(strings),
  };
  const told = () => ({ text, prompt_tokens: counts[0] ?? 0, new_tokens: Math.max(0, counts.length - 1) });
  return { streamer, told };
}
