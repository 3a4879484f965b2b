/** Sounds that test/fixtures/audio/generate.py makes, too, and what it wrote of them. */
import { readFileSync } from 'node:fs';

interface Row {
  every: number;
  values: number[];
  shape: number[];
}
export interface WavFile {
  /** Base64. */
  bytes: string;
  rate: number;
  left?: number[];
  right?: number[];
}
export const expected = JSON.parse(readFileSync(new URL('../fixtures/audio/expected.json', import.meta.url), 'utf8')) as {
  whisper: (Row & { mels: number; n: number; options: object })[];
  wav2vec2: (Row & { do_normalize: boolean; mask: number[] })[];
  files: Record<string, WavFile>;
};

export const bytesOf = (name: string): Uint8Array => new Uint8Array(Buffer.from((expected.files[name] as WavFile).bytes, 'base64'));

/** Saw teeth in hiss, and hiss alone, in turn: by whole numbers, so that Python has the same. */
export function sound(n: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, (_, i) => {
    state = Number((BigInt(state) * 1664525n + 1013904223n) % 4294967296n);
    const hiss = state / 2 ** 32 - 0.5;
    return Math.floor(i / 4000) % 2 === 0 ? (((i * (i % 1000)) % 997) / 997 - 0.5) * 0.5 + hiss * 0.02 : hiss * 1e-4;
  });
}

/** A WAV file of samples, 16000 a second, one channel of float32. */
export function wavOf(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(44);
  for (const [at, text] of Object.entries({ 0: 'RIFF', 8: 'WAVE', 12: 'fmt ', 36: 'data' })) header.write(text, Number(at));
  for (const [at, value] of Object.entries({ 4: 36 + samples.byteLength, 16: 16, 24: 16_000, 28: 64_000, 40: samples.byteLength }))
    header.writeUInt32LE(value, Number(at));
  for (const [at, value] of Object.entries({ 20: 3, 22: 1, 32: 4, 34: 32 })) header.writeUInt16LE(value, Number(at));
  return new Uint8Array([...header, ...new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)]);
}
