/**
 * Scalars of TensorBoard's event files, which runs write (src/train/tensorboard.ts has the format). A file may be read while it is written: what is behind its last whole
 * record comes at the next reading.
 */

/** A point of a curve. */
export type Point = readonly [step: number, value: number];

/** Fields of Event, Summary and Value. */
const [STEP, SUMMARY, VALUE, TAG, SIMPLE] = [2, 5, 1, 1, 2];
const utf8 = new TextDecoder();

/** Fields of a protobuf message: varints as numbers, others as bytes. Ends at what it cannot read. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: number | Uint8Array]> {
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (; at < bytes.length; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) {
      yield [field, varint()];
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : Number.POSITIVE_INFINITY;
    if (at + length > bytes.length) return;
    yield [field, bytes.subarray(at, at + length)];
    at += length;
  }
}

const floatOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat32(0, true);

/** Calls back for each scalar of a file, in order. */
export function readEvents(file: Uint8Array, hear: (tag: string, step: number, value: number) => void): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  // A record: length u64, its checksum, the message, its checksum.
  for (let at = 0; at + 12 <= file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const begin = at + 12;
    at = begin + length + 4;
    if (at > file.length) return;
    let step = 0;
    for (const [field, value] of fieldsOf(file.subarray(begin, begin + length))) {
      if (field === STEP && typeof value === 'number') step = value;
      if (field !== SUMMARY || typeof value === 'number') continue;
      for (const [part, scalar] of fieldsOf(value)) {
        if (part !== VALUE || typeof scalar === 'number') continue;
        let [tag, number] = ['', Number.NaN];
        for (const [name, own] of fieldsOf(scalar)) {
          if (name === TAG && typeof own !== 'number') tag = utf8.decode(own);
          if (name === SIMPLE && typeof own !== 'number' && own.length === 4) number = floatOf(own);
        }
        if (tag && Number.isFinite(number)) hear(tag, step, number);
      }
    }
  }
}
