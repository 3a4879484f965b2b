/**
 * Decoders: how the pieces of a vocabulary become text again, as tokenizer.json's `decoder` describes it. Each is a
 * function from tokens to pieces of text. They are @huggingface/tokenizers', but for one.
 */
import {
  BPEDecoder,
  ByteFallbackDecoder,
  ByteLevelDecoder,
  CTCDecoder,
  FuseDecoder,
  type Decoder as LibraryDecoder,
  ReplaceDecoder,
  StripDecoder,
  WordPieceDecoder,
} from '@huggingface/tokenizers';
import type { JsonNode } from '../io/json.js';
import type { AddedToken } from './added_tokens.js';
import { checkGrowth, checkPattern, lengthOf, lookUp, prependSchemeOf, stepsOf } from './parts.js';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const decoders: Readonly<Record<string, (node: JsonNode, added: readonly AddedToken[]) => Decoder>> = {
  BPEDecoder: fromLibrary(BPEDecoder),
  ByteFallback: fromLibrary(ByteFallbackDecoder),
  ByteLevel: fromLibrary(ByteLevelDecoder),
  CTC: fromLibrary(CTCDecoder),
  Fuse: fromLibrary(FuseDecoder),
  Metaspace: metaspace,
  Replace: (node, added) => {
    checkPattern(node);
    return fromLibrary(ReplaceDecoder)(node, added);
  },
  Sequence: inTurn,
  Strip: fromLibrary(StripDecoder),
  WordPiece: fromLibrary(WordPieceDecoder),
};

/** The decoder of a tokenizer.json; none puts spaces between tokens. */
export function decoderOf(root: JsonNode, added: readonly AddedToken[]): Decoder {
  if (root.get('decoder') === undefined) return (tokens) => [tokens.join(' ')];
  return createDecoder(root.object('decoder'), added);
}

function createDecoder(node: JsonNode, added: readonly AddedToken[]): Decoder {
  return lookUp(decoders, node, 'decoder')(node, added);
}

function fromLibrary(Class: new (config: object) => LibraryDecoder): (node: JsonNode, added: readonly AddedToken[]) => Decoder {
  return (node, added) => {
    const part = new Class(node.value);
    part.added_tokens = [...added];
    return (tokens) => part.decode_chain([...tokens]);
  };
}

/** Marks become spaces; the first token's go where the pre-tokenizer puts some there. The library takes one away in any case. */
function metaspace(node: JsonNode): Decoder {
  const mark = node.string('replacement', '▁');
  const keeps = prependSchemeOf(node) === 'never';
  return (tokens) => tokens.map((token, i) => token.replaceAll(mark, i > 0 || keeps ? ' ' : ''));
}

function inTurn(node: JsonNode, added: readonly AddedToken[]): Decoder {
  const steps = stepsOf(node, 'decoders').map((step) => createDecoder(step, added));
  return (tokens) =>
    steps.reduce((pieces, step) => {
      const next = step(pieces);
      checkGrowth(node, lengthOf(tokens), lengthOf(next));
      return next;
    }, tokens);
}
