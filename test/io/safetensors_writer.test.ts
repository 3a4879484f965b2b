/** What heed writes as safetensors: its own reader takes it, and so does another. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../dist/io/crc32c.js';
import { openSafetensors } from '../../dist/io/safetensors.js';
import { joinSafetensors, type SafetensorsEntry, writeSafetensors } from '../../dist/io/safetensors_writer.js';
import { failureOf, streamOf } from './memory.js';

const entry = (name: string, dtype: SafetensorsEntry['dtype'], shape: number[], ...bytes: number[]): SafetensorsEntry => ({
  ...{ name, dtype, shape },
  bytes: Uint8Array.from(bytes),
});
const entries = [
  entry('weight', 'I8', [3, 1], 1, 255, 3),
  entry('2', 'F16', [2], 0, 60, 0, 64),
  entry('1 "quoted"\n', 'F32', [], 0, 0, 128, 63),
  entry('nothing', 'I64', [0, 4]),
  entry('__proto__', 'U8', [1], 7),
];

describe('writeSafetensors', () => {
  it('gives a file that the reader takes, large elements first', async () => {
    const bytes = joinSafetensors(writeSafetensors(entries, { format: 'pt' }));
    const file = await openSafetensors(streamOf(bytes));
    expect(file.metadata).toEqual(new Map([['format', 'pt']]));
    expect(file.tensors.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['nothing', 'I64', [0, 4]],
      ['1 "quoted"\n', 'F32', []],
      ['2', 'F16', [2]],
      ['weight', 'I8', [3, 1]],
      ['__proto__', 'U8', [1]],
    ]);
    for (const tensor of file.tensors) expect(await file.bytes(tensor)).toEqual(entries.find(({ name }) => name === tensor.name)?.bytes);
    expect((bytes.length - file.size) % 8).toBe(0);
    await file.end();
  });

  it('reads each entry once, on its turn, so that one at a time is in memory', () => {
    const order: string[] = [];
    const lazy = (name: string): SafetensorsEntry => ({
      ...{ name, dtype: 'U8', shape: [1] },
      get bytes() {
        order.push(name);
        return Uint8Array.of(0);
      },
    });
    const chunks = writeSafetensors([lazy('a'), lazy('b')]);
    const seen = [];
    for (const chunk of chunks) seen.push([chunk.length > 1, order.join()]);
    expect(seen).toEqual([
      [true, ''],
      [false, 'a'],
      [false, 'a,b'],
    ]);
  });

  it('is a file without tensors, too', async () => {
    const file = await openSafetensors(streamOf(joinSafetensors(writeSafetensors([]))));
    expect([file.tensors, file.size]).toEqual([[], 0]);
  });

  it.each([
    ['a name that comes twice', [entry('x', 'U8', [1], 1), entry('x', 'U8', [1], 1)], 'ARGUMENT'],
    ['the name of the metadata', [entry('__metadata__', 'U8', [1], 1)], 'ARGUMENT'],
    ['bytes that do not fill their shape', [entry('x', 'F32', [2], 1, 2, 3, 4)], 'ARGUMENT'],
    ['a shape that is none', [entry('x', 'U8', [-1])], 'ARGUMENT'],
    ['a kind that heed does not read', [entry('x', 'F4', [2], 1)], 'UNSUPPORTED'],
  ])('refuses %s', async (_, list, code) => {
    expect(await failureOf(() => joinSafetensors(writeSafetensors(list)))).toMatchObject({ code, culprit: list[0]?.name });
  });

  const python = '/usr/bin/python3';
  it.skipIf(!existsSync(python))('gives what another reader, in Python, takes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'heed-writer-'));
    writeFileSync(join(folder, 'x.safetensors'), joinSafetensors(writeSafetensors(entries)));
    const program = `
import json, struct, sys
b = open(sys.argv[1], 'rb').read()
n = struct.unpack('<Q', b[:8])[0]
h = json.loads(b[8:8 + n])
print(json.dumps([[k, v['dtype'], list(b[8 + n:][slice(*v['data_offsets'])])] for k, v in h.items()]))`;
    const told = execFileSync(python, ['-c', program, join(folder, 'x.safetensors')], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(JSON.parse(told)).toContainEqual(['2', 'F16', [0, 60, 0, 64]]);
  });
});

describe('crc32c', () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 times 0xff', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('of %s is as published', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(sum);
  });

  it('goes on from what came before', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i * 7);
    for (const cut of [0, 1, 8, 13, 99, 100]) expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
  });
});
