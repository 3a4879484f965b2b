/** Forms: what the runtime writes is read as the runtime reads it, and what other clients write, too. */
import { expect, it } from 'vitest';
import { partsOf } from '../../dist/server/multipart.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Names and values, files as their names and bytes. */
const told = async (parts: Iterable<readonly [string, string | File]>) =>
  Promise.all(
    [...parts].map(async ([name, value]) => [
      name,
      typeof value === 'string' ? value : [value.name, ...new Uint8Array(await value.arrayBuffer())],
    ]),
  );

it('of the runtime are read as it reads them', async () => {
  const form = new FormData();
  form.append('text', 'ä\r\n--b "quoted"');
  form.append('a "name"\n[]', '');
  form.append('file', new File([Uint8Array.from({ length: 512 }, (_, i) => i)], 'ä "b".wav'));
  form.append('empty', new File([], 'none'));
  const request = new Response(form);
  const type = request.headers.get('content-type') as string;
  const bytes = new Uint8Array(await request.arrayBuffer());
  const own = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  expect(await told(partsOf(bytes, type))).toEqual(await told(own.entries() as Iterable<[string, string | File]>));
});

it('of other clients are read: a boundary between quotes, a beginning, escaped quotes, headers in any order', async () => {
  const body =
    'before\r\n--a b\r\nContent-Type: text/plain\r\nCONTENT-DISPOSITION: form-data; filename="q\\"\\\\"; name="file"\r\n\r\nx\r\n--a b--\r\nafter';
  expect(await told(partsOf(bytesOf(body), 'multipart/form-data; charset=utf-8; boundary="a b"'))).toEqual([['file', ['q"\\', 120]]]);
});

it.each([
  ['without a boundary', '--b--', 'multipart/form-data; boundary='],
  ['with another boundary', '--c--', undefined],
  ['without an end', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', undefined],
  ['without a name', '--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--', undefined],
  ['without headers', '--b\r\n\r\n1\r\n--b--', undefined],
  ['without the end of headers', '--b\r\nContent-Disposition: form-data; name="a"\r\n--b--', undefined],
])('%s are refused', (_, body, type = 'multipart/form-data; boundary=b') => {
  expect(() => partsOf(bytesOf(body), type)).toThrow(expect.objectContaining({ status: 400, code: 'invalid_form' }));
});
