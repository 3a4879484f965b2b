/** The tensors of a safetensors file of float32, int32 and uint8, as host tensors. */
import { readFileSync } from 'node:fs';
import { HostTensor } from 'heed';

const arrays = { F32: ['float32', Float32Array], I32: ['int32', Int32Array], U8: ['bool', Uint8Array] } as const;

export function readTensors(path: string): Record<string, HostTensor> {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: keyof typeof arrays; shape: number[]; data_offsets: [number, number] }
  >;
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]) => {
          const [type, View] = arrays[dtype];
          const own = Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to));
          return [name, new HostTensor(type, new View(own.buffer), shape)];
        },
      ),
  );
}
