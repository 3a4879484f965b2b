/**
 * As much of protobuf's wire format as writing an ONNX file takes: a message is a list of fields, a field is its number
 * and a value. Numbers become varints, strings and bytes are length-prefixed, nested messages likewise. Used by
 * onnx-model.ts alone. Source: https://protobuf.dev/programming-guides/encoding/
 */

const wire = { varint: 0, bytes: 2, fixed32: 5 } as const;

function varint(value: number): number[] {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return [...out, value];
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A field that is a non-negative integer. */
export const int = (field: number, value: number) => Uint8Array.from([...varint(field * 8 + wire.varint), ...varint(value)]);

/** A field that is a float32. */
export const float = (field: number, value: number) =>
  concat([Uint8Array.from(varint(field * 8 + wire.fixed32)), new Uint8Array(Float32Array.of(value).buffer)]);

/** A field that is bytes or a message. */
export const bytes = (field: number, ...parts: Uint8Array[]) => {
  const value = concat(parts);
  return concat([Uint8Array.from([...varint(field * 8 + wire.bytes), ...varint(value.length)]), value]);
};

/** A field that is a string. */
export const text = (field: number, value: string) => bytes(field, new TextEncoder().encode(value));
