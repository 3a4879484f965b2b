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
  return Array.isArray(value) ? value : le(sizes[type] as number, value as number);
}

export interface Made {
  magic?: string;
  version?: number;
  keys?: readonly (readonly [string, Field])[];
  /** Sizes as files have them: neighbours first. */
  tensors?: readonly { name: string; sizes: readonly (number | bigint)[]; type: number; offset: number | bigint }[];
  counts?: { tensors?: bigint; keys?: bigint };
  /** How many bytes of data, or which. */
  data?: number | Uint8Array;
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
  const content = typeof data === 'number' ? new Uint8Array(data).map((_, i) => i & 255) : data;
  const whole = new Uint8Array(header.length + (content.length ? padding + content.length : 0));
  whole.set(header);
  if (content.length) whole.set(content, header.length + padding);
  return whole;
}

/** Bytes of one of a kind. */
const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** What a right file is made of, so that it can be made anew with something else in it. Numbers stay bytes. */
export function partsOf(
  bytes: Uint8Array,
): Required<Pick<Made, 'version' | 'keys'>> & { tensors: NonNullable<Made['tensors']>; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 4;
  const passed = (count: number) => {
    at += count;
    return at - count;
  };
  const taken = (count: number) => bytes.subarray(at, passed(count) + count);
  const u32 = () => view.getUint32(passed(4), true);
  const u64 = () => Number(view.getBigUint64(passed(8), true));
  const texts = () => taken(u64());
  const value = (type: number): unknown => {
    if (type === 8) return texts();
    if (type !== 9) return [...taken(sizes[type] as number)];
    const of = u32();
    return [of, Array.from({ length: u64() }, () => value(of))];
  };
  const name = () => new TextDecoder().decode(texts());
  const version = u32();
  const counts = [u64(), u64()] as const;
  const keys = Array.from({ length: counts[1] }, () => {
    const key = name();
    const type = u32();
    return [key, [type, value(type)]] as const;
  });
  const tensors = Array.from({ length: counts[0] }, () => {
    const one = name();
    const axes = Array.from({ length: u32() }, () => u64());
    return { name: one, sizes: axes, type: u32(), offset: u64() };
  });
  return { version, keys, tensors, data: bytes.subarray(at + (-at & 31)) };
}

/** The files of a split of it, with so many tensors in each, by their names: `name-00001-of-0000N.gguf`. */
export function splitOf(whole: Uint8Array, each: number, stem = 'model'): Record<string, Uint8Array> {
  const { keys, tensors, data } = partsOf(whole);
  const count = Math.ceil(tensors.length / each);
  const five = (number: number) => String(number).padStart(5, '0');
  const ends = (offset: number) => Math.min(data.length, ...tensors.map((one) => Number(one.offset)).filter((other) => other > offset));
  const own = (i: number): [string, Field][] => [
    ['split.no', [2, i]],
    ['split.count', [2, count]],
    ['split.tensors.count', [5, tensors.length]],
  ];
  const made = Array.from({ length: count }, (_, i) => {
    const some = tensors.slice(i * each, (i + 1) * each);
    const begin = Number(some[0]?.offset);
    const moved = some.map((tensor) => ({ ...tensor, offset: Number(tensor.offset) - begin }));
    const content = data.slice(begin, ends(Number(some.at(-1)?.offset)));
    return [
      `${stem}-${five(i + 1)}-of-${five(count)}.gguf`,
      gguf({ keys: i ? own(i) : [...keys, ...own(0)], tensors: moved, data: content }),
    ] as const;
  });
  return Object.fromEntries(made);
}
