/** Truncation of a text that is longer than the model's context: the newest tokens stay, and the first ones, to which the others attend. */
import type { Conversation } from '../text/chat_options.js';

/** Number of tokens at the beginning of a text that stay, since all others attend to them (Xiao et al., arXiv 2309.17453, "attention sinks"). */
const SINKS = 4;

/**
 * Tokens of a text or a conversation, at most `room`. A conversation loses its oldest messages up to one of the user, but keeps system messages at its beginning; where its last
 * turn alone is too long, it is returned too long. A text loses tokens behind the first.
 */
export function fitted<Text extends string | Conversation>(text: Text, encode: (text: Text) => number[], room: number): number[] {
  let ids = encode(text);
  if (typeof text === 'string') {
    if (ids.length <= room) return ids;
    const sinks = Math.min(SINKS, Math.floor(room / 2));
    return [...ids.slice(0, sinks), ...ids.slice(ids.length - Math.max(1, room - sinks))];
  }
  const messages: Conversation = text;
  const first = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  for (let from = first; ids.length > room; ) {
    from = messages.findIndex(({ role }, i) => i > from && role === 'user');
    if (from < 0) return ids;
    ids = encode([...messages.slice(0, first), ...messages.slice(from)] as Conversation as Text);
  }
  return ids;
}
