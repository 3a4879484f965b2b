/**
 * Decoders: from pieces of a vocabulary back to text, as tokenizer.json's `decoder` describes it. Each is a
 * function from tokens to pieces of text, which equal those of Hugging Face's Rust code.
 */
import type { JsonNode } from '../io/json.js';
import { substitute } from './aligned.js';
import { byteAlphabet } from './byte_level.js';
import { characterOf, checkGrowth, lengthOf, lookUp, patternOf, prependSchemeOf, stepsOf } from './parts.js';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const decoders: Readonly<Record<string, (node: JsonNode) => Decoder>> = {
  BPEDecoder: (node) => {
    const suffix = node.string('suffix', '</w>');
    return (tokens) => tokens.map((token, i) => replaceAll(token, suffix, i === tokens.length - 1 ? '' : ' '));
  },
  ByteFallback: () => byteFallback,
  ByteLevel: () => byteLevel,
  CTC: (node) => {
    const [pad, delimiter] = [node.string('pad_token', '<pad>'), node.string('word_delimiter_token', '|')];
    const cleans = node.boolean('cleanup', true);
    return (tokens) =>
      tokens
        .filter((token, i) => token !== tokens[i - 1])
        .map((token) => replaceAll(token, pad, ''))
        .map((token) => (cleans ? replaceAll(tidy(token), delimiter, ' ') : token))
        .filter((token) => token);
  },
  Fuse: () => (tokens) => [tokens.join('')],
  // Marks become spaces; the first token's go where the pre-tokenizer puts some there.
  Metaspace: (node) => {
    const mark = characterOf(node, 'replacement', '▁');
    const keeps = prependSchemeOf(node) === 'never';
    return (tokens) => tokens.map((token, i) => replaceAll(token, mark, i > 0 || keeps ? ' ' : ''));
  },
  Replace: (node) => {
    const pattern = patternOf(node);
    const content = node.string('content', '');
    return (tokens) => tokens.map((token) => substitute(token, pattern, content));
  },
  Sequence: inTurn,
  Strip: (node) => {
    const content = characterOf(node, 'content');
    const most = (key: string) => node.integer(key, 1 << 16, 0);
    const [start, stop] = [most('start'), most('stop')];
    return (tokens) =>
      tokens.map((token) => {
        let [begin, end] = [0, token.length];
        for (let i = 0; i < start && token.startsWith(content, begin); i++) begin += content.length;
        for (let i = 0; i < stop && end > begin && token.endsWith(content, end); i++) end -= content.length;
        return token.slice(begin, end);
      });
  },
  WordPiece: (node) => {
    const prefix = node.string('prefix', '##');
    const cleans = node.boolean('cleanup', true);
    const spaced = (token: string, i: number) => (i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
    return (tokens) => tokens.map(spaced).map((token) => (cleans ? tidy(token) : token));
  },
};

/** The decoder of a tokenizer.json; none puts spaces between tokens. */
export function decoderOf(root: JsonNode): Decoder {
  if (root.get('decoder') === undefined) return (tokens) => [tokens.join(' ')];
  return createDecoder(root.object('decoder'));
}

function createDecoder(node: JsonNode): Decoder {
  return lookUp(decoders, node, 'decoder')(node);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const byteOf = new Map(byteAlphabet.map((character, byte) => [character, byte]));

/** A token with a character that is no byte's is text as it stands. */
const byteLevel: Decoder = (tokens) => {
  const bytes = tokens.flatMap((token): readonly (number | undefined)[] => {
    const own = Array.from(token, (character) => byteOf.get(character));
    return own.includes(undefined) ? Array.from(new TextEncoder().encode(token)) : own;
  });
  return [utf8.decode(Uint8Array.from(bytes as number[]))];
};

/** Bytes that are no text become a question mark each. */
const byteFallback: Decoder = (tokens) => {
  const pieces: string[] = [];
  let bytes: number[] = [];
  for (const token of [...tokens, '']) {
    const byte = /^<0x([\dA-Fa-f]{2})>$/.exec(token)?.[1];
    if (byte) {
      bytes.push(Number.parseInt(byte, 16));
      continue;
    }
    if (bytes.length) {
      const text = utf8.decode(Uint8Array.from(bytes));
      const sound = new TextEncoder().encode(text).every((own, i) => own === bytes[i]);
      pieces.push(sound ? text : '\ufffd'.repeat(bytes.length));
      bytes = [];
    }
    pieces.push(token);
  }
  return pieces.slice(0, -1);
};

/** An empty string stands between all characters, of which some take two code units. */
const replaceAll = (token: string, old: string, by: string): string => (old ? token.replaceAll(old, by) : token.replace(/(?:)/gu, by));

/** Takes away the spaces that stand before punctuation and the short forms of English. */
export const cleanUp = (text: string): string =>
  text
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m|'s|'ve|'re)/g, '$1');

/** The decoders' cleanup, which has one replacement more. */
const tidy = (token: string): string => cleanUp(token).replaceAll(' do not', " don't");

function inTurn(node: JsonNode): Decoder {
  const steps = stepsOf(node, 'decoders').map(createDecoder);
  return (tokens) =>
    steps.reduce((pieces, step) => {
      const next = step(pieces);
      checkGrowth(node, lengthOf(tokens), lengthOf(next));
      return next;
    }, tokens);
}
