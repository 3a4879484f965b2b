/** Streams in large pieces: what a runtime would hand out in crumbs fills our buffer, and what is kept stays as it was. */
import { describe, expect, it } from 'vitest';
import { onceStream } from '../dist/io/bytes.js';
import { piecesOf } from '../dist/pieces.js';

const SIZE = 3_000_001;
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) % 251);

/** A stream of bytes that gives at most `crumb` at once. */
function byteStream(crumb: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const view = controller.byobRequest?.view as Uint8Array | undefined;
      const piece = content.subarray(at, at + Math.min(crumb, view?.length ?? crumb));
      at += piece.length;
      if (!piece.length) {
        controller.close();
        controller.byobRequest?.respond(0);
      } else if (view) {
        view.set(piece);
        controller.byobRequest?.respond(piece.length);
      } else controller.enqueue(piece.slice());
    },
  });
}

async function sizesOf(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  const { next } = piecesOf(stream);
  const sizes: number[] = [];
  let at = 0;
  for (;;) {
    const { done, value } = (await next()) as { done: boolean; value?: Uint8Array };
    if (value?.length) {
      if (Buffer.compare(value, content.subarray(at, at + value.length)) !== 0) throw new Error(`wrong bytes from ${at} on`);
      at += value.length;
      sizes.push(value.length);
    }
    if (done) {
      expect(at).toBe(SIZE);
      return sizes;
    }
  }
}

describe('piecesOf', () => {
  it('gives every byte of a stream, whichever kind it is', async () => {
    const plain = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < SIZE; at += 700_000) controller.enqueue(content.slice(at, at + 700_000));
        controller.close();
      },
    });
    expect(await sizesOf(plain)).toEqual([700_000, 700_000, 700_000, 700_000, 200_001]);
    expect((await sizesOf(byteStream(4096))).reduce((sum, size) => sum + size)).toBe(SIZE);
  });

  it('lets the runtime fill a buffer of ours', async () => {
    expect(Math.max(...(await sizesOf(byteStream(1 << 22))))).toBe(1 << 20);
  });
});

it('a stream whose front was read has it still when it is read as a whole', async () => {
  const open = onceStream(byteStream(1 << 22), 'x');
  const front = await open('x', { bytes: 10 });
  const target = new Uint8Array(10);
  expect(await front.read(target)).toBe(10);
  expect(target).toEqual(content.subarray(0, 10));
  await front.close();
  const whole = await open('x');
  const all = new Uint8Array(SIZE);
  for (let at = 0, count = -1; count !== 0; at += count) count = await whole.read(all.subarray(at, at + 123_457));
  expect(Buffer.compare(all, content)).toBe(0);
});
