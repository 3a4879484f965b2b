/** Timestamps among tokens: Whisper's stand behind <|notimestamps|>, 0.02 s apart, and need not be in the vocabulary. */

type Ids = Iterable<number | bigint>;

/** A vocabulary, as far as timestamps go. */
interface Vocabulary {
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

/** A text of ids: without timestamps, or, where they are shown, with them as they are written: <|0.00|>. */
export function decodedAround(ids: Ids, vocabulary: Vocabulary, shows: boolean, decode: (ids: Ids) => string): string {
  const none = vocabulary.token_to_id('<|notimestamps|>');
  if (none === undefined || typeof ids?.[Symbol.iterator] !== 'function') return decode(ids);
  // What is no number is for `decode` to refuse.
  const isTime = (id: number) => id > none && /^(<\|\d+\.\d\d\|>)?$/.test(vocabulary.id_to_token(id) ?? '');
  const texts: string[] = [];
  let words: (number | bigint)[] = [];
  const flush = () => {
    if (words.length) texts.push(decode(words));
    words = [];
  };
  for (const id of ids) {
    if (!isTime(Number(id))) words.push(id);
    else if (shows) {
      flush();
      texts.push(`<|${((Number(id) - none - 1) * 0.02).toFixed(2)}|>`);
    }
  }
  flush();
  return texts.join('');
}
