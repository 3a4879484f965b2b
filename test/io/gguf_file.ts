/** A GGUF file made by hand, however wrong it is. */

export type Field = readonly [type: number, value: unknown];

const text = new TextEncoder();
const le = (bytes: number, value: number | bigint): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
export const string = (value: string | Uint8Array): number[] => {
  const bytes = typeof value === 'string' ? text.encode(value) : value;
  return [...le(8, bytes.length), ...bytes];
};

function field([type, value]: Field): number[] {
  if (type === 8) return string(value as string | Uint8Array);
  if (type === 9) {
    const [of, members] = value as readonly [number, readonly unknown[]];
    return [...le(4, of), ...le(8, members.length), ...members.flatMap((member) => field([of, member]))];
  }
  const bytes = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 7: 1, 10: 8, 11: 8 }[type];
  return bytes ? le(bytes, value as number) : (value as number[]);
}

export interface Made {
  magic?: string;
  version?: number;
  keys?: readonly (readonly [string, Field])[];
  /** Sizes as files have them: neighbours first. */
  tensors?: readonly { name: string; sizes: readonly (number | bigint)[]; type: number; offset: number | bigint }[];
  counts?: { tensors?: bigint; keys?: bigint };
  data?: number;
}

export function gguf({ magic = 'GGUF', version = 3, keys = [], tensors = [], counts = {}, data = 0 }: Made): Uint8Array {
  const header = [
    ...text.encode(magic),
    ...le(4, version),
    ...le(8, counts.tensors ?? tensors.length),
    ...le(8, counts.keys ?? keys.length),
    ...keys.flatMap(([key, value]) => [...string(key), ...le(4, value[0]), ...field(value)]),
    ...tensors.flatMap(({ name, sizes, type, offset }) => [
      ...string(name),
      ...le(4, sizes.length),
      ...sizes.flatMap((size) => le(8, size)),
      ...le(4, type),
      ...le(8, offset),
    ]),
  ];
  const padding = -header.length & 31;
  const whole = new Uint8Array(header.length + (data ? padding + data : 0));
  whole.set(header);
  for (let i = 0; i < data; i++) whole[header.length + padding + i] = i & 255;
  return whole;
}
