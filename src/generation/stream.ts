/** Streams of text for `for await (const piece of …)`, filled while the text is generated. */
import { expectSignal, HeedError } from '../errors.js';
import type { Asking } from './asking.js';
import type { Streamer } from './sequence.js';
import { type TextDecoder, TextStreamer } from './streamer.js';

/** Pieces of well-formed Unicode, which add up to the text. */
export type TextStream = AsyncGenerator<string, void, undefined>;

/** Options that a stream adds to a call: the receiver of pieces, and the signal that ends the call. */
export interface Reader {
  onText: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Pieces of a call's text; the call begins when the first piece is asked for. Leaving the loop ends the call; errors of the call are thrown, and so is the signal's
 * reason. Pieces wait for a slow reader, the call does not.
 */
export async function* piecesOf(call: (reader: Reader) => Promise<unknown>, signal?: AbortSignal): TextStream {
  expectSignal(signal);
  signal?.throwIfAborted();
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const pieces: string[] = [];
  let isDone = false;
  let wake = () => {};
  const onText = (text: string) => {
    pieces.push(text);
    wake();
  };
  const done = call({ onText, signal: stop.signal }).finally(() => {
    isDone = true;
    wake();
  });
  // The reader gets a rejection from the `await` below; a stream that was left has no reader.
  done.catch(() => {});
  try {
    for (;;) {
      yield* pieces.splice(0);
      if (pieces.length) continue;
      if (isDone) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await done;
  } finally {
    signal?.removeEventListener('abort', abort);
    stop.abort();
  }
}

/** Streams the continuation that `generate` writes. Needs the tokenizer. */
export function streamOf<Options extends Asking>(generate: (options: Options) => Promise<unknown>, options: Options): TextStream {
  return piecesOf(async ({ onText, signal }) => {
    const { tokenizer, streamer } = options ?? {};
    if (streamer !== undefined)
      throw new HeedError('ARGUMENT', 'stream: a streamer would hear what the loop gets', {
        culprit: 'streamer',
        cure: 'Give it to generate',
      });
    const own: Streamer = new TextStreamer(tokenizer as TextDecoder, { skip_prompt: true, callback_function: onText });
    return generate({ ...options, signal, streamer: own });
  }, options?.signal);
}
