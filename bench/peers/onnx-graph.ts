/** ONNX files, node by node. Field numbers are those of onnx.proto3. */
import { bytes, concat, float, int, text } from './protobuf.js';

type Attribute = number | number[] | { float: number };

export const elementType = { float32: 1, int32: 6, int64: 7 } as const;

function attribute(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return bytes(5, text(1, name), int(3, value), int(20, 2));
  if (Array.isArray(value)) return bytes(5, text(1, name), ...value.map((v) => int(8, v)), int(20, 7));
  return bytes(5, text(1, name), float(2, value.float), int(20, 1));
}

/** What a graph takes or gives: a name, and axes, of which those with a name are free. */
export interface Value {
  name: string;
  type: keyof typeof elementType;
  dims: (string | number)[];
}

/** A graph that grows: every call of `op` adds a node and names its output. */
export class Graph {
  readonly #nodes: Uint8Array[] = [];
  readonly #constants: Uint8Array[] = [];
  #count = 0;

  op(type: string, inputs: string[], attributes: Record<string, Attribute> = {}, domain = ''): string {
    return this.ops(type, 1, inputs, attributes, domain)[0] as string;
  }

  /** A node with several outputs. */
  ops(type: string, outputs: number, inputs: string[], attributes: Record<string, Attribute> = {}, domain = ''): string[] {
    const name = `${type}_${this.#count++}`;
    const names = Array.from({ length: outputs }, (_, i) => (i ? `${name}_${i}` : name));
    this.#nodes.push(
      bytes(
        1,
        ...inputs.map((name) => text(1, name)),
        ...names.map((output) => text(2, output)),
        text(3, name),
        text(4, type),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        text(7, domain),
      ),
    );
    return names;
  }

  constant(data: Float32Array | BigInt64Array, dims: number[]): string {
    const name = `constant_${this.#count++}`;
    const type = data instanceof Float32Array ? elementType.float32 : elementType.int64;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.push(bytes(5, ...dims.map((d) => int(1, d)), int(2, type), text(8, name), bytes(9, raw)));
    return name;
  }

  shape(...dims: number[]): string {
    return this.constant(BigInt64Array.from(dims, BigInt), [dims.length]);
  }

  model(inputs: readonly Value[], output: Value): Uint8Array {
    const dim = (value: string | number) => bytes(1, typeof value === 'string' ? text(2, value) : int(1, value));
    const value = (field: number, { name, type, dims }: Value) =>
      bytes(field, text(1, name), bytes(2, bytes(1, int(1, elementType[type]), bytes(2, ...dims.map(dim)))));
    const ends = [...inputs.map((input) => value(11, input)), value(12, output)];
    const graph = [...this.#nodes, text(2, 'encoder'), ...this.#constants, ...ends];
    const opset = (domain: string, version: number) => bytes(8, text(1, domain), int(2, version));
    return concat([int(1, 9), bytes(7, ...graph), opset('', 20), opset('com.microsoft', 1)]);
  }
}
