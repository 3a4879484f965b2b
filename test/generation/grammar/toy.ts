/** A small vocabulary that can write everything, its texts, and walks under a format: any token that may come does. */
import { Constraint, constrain, type ResponseFormat, type Vocabulary } from '../../../dist/generation/grammar/index.js';

const pieces = [
  ...[
    '{"',
    '"}',
    '":',
    '": ',
    '": "',
    '",',
    '", "',
    '"]',
    '["',
    '}}',
    ']}',
    ', ',
    '{}',
    '[]',
    '\n  ',
    '\n    ',
    ' "',
    '""',
    '\\"',
    '\\n',
    '\\u',
    '\\u00',
  ],
  ...[
    'true',
    'false',
    'null',
    'tr',
    'se',
    '12',
    '20',
    '-1',
    '0.',
    '.5',
    'e+',
    '"a"',
    '"b"',
    '"a":',
    '"kind"',
    '"name": "',
    'ab',
    'abc',
    'the',
    ' the',
    'é',
    '世',
    '世界',
  ],
  // Tokens that end within a character, and begin within one.
  ...['\xe4\xb8', '\x96"', '\xc3', '\xf0\x9f', '\x9a\x80'].map((bytes) => `bytes:${bytes}`),
];

export const binary = (text: string): string => Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');

/** Ids 0 to 255 are bytes, then pieces, then the end and a mark. */
export const toy: Vocabulary = {
  tokens: [
    ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)),
    ...pieces.map((piece) => (piece.startsWith('bytes:') ? piece.slice(6) : binary(piece))),
    '\xff<end>\xff',
    '\xff[TOOL_CALLS]\xff',
  ],
  eos: [256 + pieces.length],
  strips: false,
};
export const [END] = toy.eos as [number];
export const SIZE = toy.tokens.length;

/** The text of tokens. A special one has its name. */
export const textOf = (ids: readonly number[], { tokens, eos }: Vocabulary = toy): string => {
  const bytes = ids.filter((id) => !eos.includes(id)).map((id) => (tokens[id] as string).replaceAll('\xff', ''));
  return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes.join(''), (byte) => byte.charCodeAt(0)));
};

/** Numbers from 0 to 1 that a seed decides. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A text's tokens, cut at random into those that there are. */
export function cut(text: string, random: () => number, { tokens }: Vocabulary = toy): number[] {
  const bytes = binary(text);
  const ids: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const fitting = [...tokens.keys()].filter((id) => tokens[id] && bytes.startsWith(tokens[id] as string, at));
    const id = fitting[Math.floor(random() * fitting.length)] as number;
    ids.push(id);
    at += (tokens[id] as string).length;
  }
  return ids;
}

export const formatOf = (schema: unknown): ResponseFormat => ({ type: 'json_schema', json_schema: { schema } });

/** Tokens that bring a text to its end. */
const closing = [END, ...['"}', '"]', '}', ']', '"', '.'].map((text) => toy.tokens.indexOf(text))];

/** Ids that are written when any token may come that the format lets through; from `hasty` tokens on those that bring it to its end. */
export function walk(format: ResponseFormat | Constraint, random: () => number, hasty = 40, most = 3000): number[] {
  const constraint = format instanceof Constraint ? format : constrain(toy, format);
  const process = constraint.processor(0);
  const ids: number[] = [];
  const scores = new Float32Array(SIZE);
  while (ids.at(-1) !== END) {
    if (ids.length > most) throw new Error(`no end after ${most} tokens: ${textOf(ids)}`);
    for (let id = 0; id < SIZE; id++) scores[id] = random();
    // Blanks, and control characters, would be most of every string.
    if (ids.length > hasty && random() < 0.8) for (const id of closing) scores[id] = 1 + random() + Number(id === END);
    process(scores, ids);
    ids.push(scores.reduce((best, score, id) => (score > (scores[best] as number) ? id : best), 0));
  }
  return ids;
}

/** Whether every token of a text may come when it does, and the end behind the last. */
export function accepts(format: ResponseFormat, ids: readonly number[]): boolean {
  const constraint = constrain(toy, format);
  for (let i = 0; i < ids.length; i++) {
    const scores = new Float32Array(SIZE);
    constraint.apply(scores, ids.slice(0, i), 0);
    if (scores[ids[i] as number] !== 0) return false;
  }
  return constraint.complete(ids);
}

/** What is thrown. */
export function failureOf(run: () => unknown): { code: string; culprit: string; message: string } | undefined {
  try {
    run();
  } catch (error) {
    return error as { code: string; culprit: string; message: string };
  }
  return undefined;
}
