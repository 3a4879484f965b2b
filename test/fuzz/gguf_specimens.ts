/** The GGUF files that are changed. */
import { openSync, readFileSync, readSync } from 'node:fs';
import { byteAlphabet } from '../../dist/text/byte_level.js';
import { Random } from '../cases/random.js';
import { type Field, gguf, splitOf } from '../io/gguf_file.js';
import { hasSmollm2, smollm2 } from '../smollm2.js';

const at = (name: string) => new URL(`../fixtures/gguf/${name}`, import.meta.url);

const bytesOf = (array: Float32Array | Int32Array): number[] => [...new Uint8Array(array.buffer)];
export const u32 = (value: number): Field => [4, value];
export const f32 = (value: number): Field => [6, bytesOf(Float32Array.of(value))];
export const strings = (list: readonly string[]): Field => [9, [8, list]];

/** A Llama of one layer in floats and in blocks of each kind of 32, with this tokenizer. */
function tiny(tokens: readonly string[], more: readonly (readonly [string, Field])[]): Uint8Array {
  const [C, F, V] = [64, 32, tokens.length];
  const random = new Random(7);
  /** ggml's kinds, and the bytes of 32 elements. */
  const kinds = {
    F32: [0, 128],
    F16: [1, 64],
    Q4_0: [2, 18],
    Q4_1: [3, 20],
    Q5_1: [7, 24],
    Q8_0: [8, 34],
    IQ4_NL: [20, 18],
    BF16: [30, 64],
  } as const;
  const made: { name: string; sizes: number[]; type: number; offset: number }[] = [];
  const pieces: Uint8Array[] = [];
  let offset = 0;
  const put = (name: string, sizes: number[], kind: keyof typeof kinds) => {
    const [type, each] = kinds[kind];
    const length = (sizes.reduce((n, d) => n * d, 1) / 32) * each;
    // Small halves throughout: as a scale, as a float, as integers they are all right.
    const halves = Uint16Array.from({ length: length / 2 }, () => 0x2800 + random.below(0x400));
    const piece = kind === 'F32' ? new Uint8Array(random.floats([length / 4]).data.slice().buffer) : new Uint8Array(halves.buffer);
    made.push({ name, sizes, type, offset });
    pieces.push(piece, new Uint8Array(-piece.length & 31));
    offset += piece.length + (-piece.length & 31);
  };
  put('token_embd.weight', [C, V], 'Q8_0');
  put('rope_freqs.weight', [16], 'F32');
  pieces.splice(-2, 1, new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => 1 + i).buffer));
  for (const [name, sizes, kind] of [
    ...([
      ['attn_norm', [C], 'F32'],
      ['ffn_norm', [C], 'F32'],
      ['attn_q', [C, C], 'Q4_0'],
      ['attn_k', [C, 32], 'Q4_1'],
    ] as const),
    ...([
      ['attn_v', [C, 32], 'Q8_0'],
      ['attn_output', [C, C], 'F16'],
      ['ffn_gate', [C, F], 'Q5_1'],
      ['ffn_up', [C, F], 'IQ4_NL'],
    ] as const),
    ['ffn_down', [F, C], 'BF16'] as const,
  ])
    put(`blk.0.${name}.weight`, [...sizes], kind);
  put('output_norm.weight', [C], 'F32');
  const keys: (readonly [string, Field])[] = [
    ['general.architecture', [8, 'llama']],
    ...Object.entries({ block_count: 1, embedding_length: C, feed_forward_length: F, context_length: 64, vocab_size: V }).map(
      ([key, value]) => [`llama.${key}`, u32(value)] as const,
    ),
    ['llama.attention.head_count', u32(2)],
    ['llama.attention.head_count_kv', u32(1)],
    ['llama.attention.layer_norm_rms_epsilon', f32(1e-5)],
    ['tokenizer.ggml.tokens', strings(tokens)],
    ['tokenizer.chat_template', [8, '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}']],
    ...more,
  ];
  return gguf({ keys, tensors: made, data: new Uint8Array(Buffer.concat(pieces)) });
}

export interface Specimen {
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Whether it has a tokenizer. */
  readonly reads: boolean;
  /** Bytes of zeros that stand for the weights of a file whose header alone is here. */
  readonly zeros?: number;
}

export function specimensOf(): Specimen[] {
  const whole = new Uint8Array(readFileSync(at('llama_k.gguf')));
  const bytes = [...byteAlphabet, 'th', 'the', '<|im_start|>', '<|im_end|>'];
  const ofBytes = tiny(bytes, [
    ['tokenizer.ggml.model', [8, 'gpt2']],
    ['tokenizer.ggml.pre', [8, 'smollm']],
    ['tokenizer.ggml.merges', strings(['t h', 'th e'])],
    ['tokenizer.ggml.token_type', [9, [5, bytes.map((token) => (token.startsWith('<|') ? 3 : 1))]]],
    ['tokenizer.ggml.eos_token_id', u32(259)],
  ]);
  const { tokens, scores, kinds } = JSON.parse(readFileSync(at('pieces.json'), 'utf8')) as {
    tokens: string[];
    scores: number[];
    kinds: number[];
  };
  const ofPieces = tiny(tokens, [
    ['tokenizer.ggml.model', [8, 'llama']],
    ['tokenizer.ggml.scores', [9, [6, scores.map((score) => bytesOf(Float32Array.of(score)))]]],
    ['tokenizer.ggml.token_type', [9, [5, kinds]]],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
    ['tokenizer.ggml.add_bos_token', [7, 1]],
  ]);
  const made: Specimen[] = [
    { name: 'K-quants', files: { 'a.gguf': whole }, reads: false },
    { name: 'K-quants in 3 files', files: splitOf(whole, 8, 'a'), reads: false },
    { name: 'bytes', files: { 'a.gguf': ofBytes }, reads: true },
    { name: 'pieces', files: { 'a.gguf': ofPieces }, reads: true },
  ];
  if (!hasSmollm2) return made;
  const header = new Uint8Array(2_000_000);
  const file = openSync(smollm2, 'r');
  readSync(file, header);
  const { length } = header;
  const zeros = 98_362_432 - length;
  return [...made, { name: 'SmolLM2', files: { 'a.gguf': header }, reads: true, zeros }];
}
