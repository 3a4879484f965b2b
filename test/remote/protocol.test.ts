/** What crosses from a worker comes out as it went in. */
import { expect, it } from 'vitest';
import { RawImage } from '../../dist/entry/node.js';
import { pack, unpack } from '../../dist/remote/protocol.js';
import { HostTensor } from '../../dist/tensor.js';

it('tensors and pictures in results keep their methods', () => {
  const result = [
    { predicted_depth: new HostTensor('float32', Float32Array.of(1, 2), [1, 2]), depth: new RawImage(Uint8Array.of(0, 255), 2, 1, 1) },
  ];
  const [got] = unpack(structuredClone(pack(result, new Set()))) as typeof result;
  expect(got?.predicted_depth).toBeInstanceOf(HostTensor);
  expect(got?.predicted_depth.tolist()).toEqual([[1, 2]]);
  expect(got?.depth).toBeInstanceOf(RawImage);
  expect([...(got?.depth.rgb().data ?? [])]).toEqual([0, 0, 0, 255, 255, 255]);
});
