/**
 * Decoders: how the pieces of a vocabulary become text again, as tokenizer.json's `decoder` describes it. Each is a
 * function from tokens to pieces of text. They are @huggingface/tokenizers'.
 */
import {
  BPEDecoder,
  ByteFallbackDecoder,
  ByteLevelDecoder,
  CTCDecoder,
  FuseDecoder,
  MetaspaceDecoder,
  ReplaceDecoder,
  StripDecoder,
  WordPieceDecoder,
} from '@huggingface/tokenizers';
import type { JsonNode } from '../io/json.js';
import type { AddedToken } from './added_tokens.js';
import { checkGrowth, checkPattern, lengthOf, lookUp, stepsOf } from './parts.js';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const classes = {
  BPEDecoder,
  ByteFallback: ByteFallbackDecoder,
  ByteLevel: ByteLevelDecoder,
  CTC: CTCDecoder,
  Fuse: FuseDecoder,
  Metaspace: MetaspaceDecoder,
  Replace: ReplaceDecoder,
  Strip: StripDecoder,
  WordPiece: WordPieceDecoder,
} as const;

/** The decoder of a tokenizer.json; none puts spaces between tokens. */
export function decoderOf(root: JsonNode, added: readonly AddedToken[]): Decoder {
  if (root.get('decoder') === undefined) return (tokens) => [tokens.join(' ')];
  return createDecoder(root.object('decoder'), added);
}

function createDecoder(node: JsonNode, added: readonly AddedToken[]): Decoder {
  if (node.string('type') === 'Sequence') {
    const steps = stepsOf(node, 'decoders').map((step) => createDecoder(step, added));
    return (tokens) =>
      steps.reduce((pieces, step) => {
        const next = step(pieces);
        checkGrowth(node, lengthOf(tokens), lengthOf(next));
        return next;
      }, tokens);
  }
  const Class = lookUp<(typeof classes)[keyof typeof classes]>(classes, node, 'decoder');
  if (Class === ReplaceDecoder) checkPattern(node);
  const part = new Class(node.value);
  part.added_tokens = [...added];
  return (tokens) => part.decode_chain([...tokens]);
}
