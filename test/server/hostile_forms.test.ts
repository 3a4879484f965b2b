/** Forms and sounds that are meant to harm. Each is refused with its status, and the next request is answered. */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { many, refusalOf, serve } from './serving.js';

const hearer = fileURLToPath(new URL('../fixtures/ctc/group', import.meta.url));
const server = await serve({ models: { hearer } });
afterAll(() => server.close());
const sounds = '/v1/audio/transcriptions';
const huge = 'a'.repeat(8_000_000);

/** A WAV file of silence in 8 bits. */
function wav(rate: number, channels: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(44 + length, 128);
  bytes.write('RIFF');
  bytes.write('WAVEfmt ', 8);
  bytes.write('data', 36);
  for (const [at, value] of [
    [16, 16],
    [24, rate],
    [40, 2 ** 32 - 1],
  ] as const)
    bytes.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, channels],
    [32, channels],
    [34, 8],
  ] as const)
    bytes.writeUInt16LE(value, at);
  return new Uint8Array(bytes);
}
const part = (name: string, value = '1') => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

/** Whether a second of silence is heard. */
async function isHearing(): Promise<boolean> {
  const form = new FormData();
  form.append('model', 'hearer');
  form.append('file', new File([wav(16_000, 1, 8000)], 'a.wav'));
  return (await server.fetch(new Request(`http://localhost${sounds}`, { method: 'POST', body: form }))).ok;
}

describe('a form', () => {
  it.each([
    [
      'has many parts',
      many(1e5)
        .map((i) => part(`k${i}`))
        .join(''),
      { code: 'invalid_form' },
    ],
    ['has many parts of one name', `${part('timestamp_granularities[]', 'word').repeat(60)}--b--`, { code: 'invalid_value' }],
    ['has many headers', `--b\r\n${'a: b\r\n'.repeat(3e6)}\r\n1\r\n--b--`, { code: 'invalid_form' }],
    ['has a huge name', part(huge), { code: 'invalid_form' }],
    ['is of dashes', '-'.repeat(3e7), { code: 'invalid_form' }],
    ['is of boundaries', '--b\r\n'.repeat(5e6), { code: 'invalid_form' }],
    ['has no end', part('model').slice(0, -2), { code: 'invalid_form' }],
    ['has an address for a file', `${part('model', 'hearer')}${part('file', 'http://127.0.0.1/a.wav')}--b--`, { param: 'file' }],
    ['has a model twice', `${part('model', 'hearer')}${part('model', 'writer')}--b--`, { param: 'model' }],
  ])('that %s is refused', async (_, body, more) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await server.fetch(new Request(`http://localhost${sounds}`, { method: 'POST', headers, body }));
    expect(await refusalOf(answer)).toMatchObject({ status: 400, ...more });
    expect(await isHearing()).toBe(true);
  });

  it.each([
    ['lasts for hours', wav(1000, 1, 10_000_000)],
    ['has a sample a second', wav(1, 1, 1000)],
    ['has a thousand channels', wav(16_000, 1000, 1000)],
    ['is a path', new TextEncoder().encode('/etc/passwd')],
    ['is an address', new TextEncoder().encode('http://127.0.0.1/a.wav')],
    ['is empty', new Uint8Array()],
  ])('with a sound that %s is refused', async (_, bytes) => {
    const form = new FormData();
    form.append('model', 'hearer');
    form.append('file', new File([bytes], '/etc/passwd'));
    const answer = await server.fetch(new Request(`http://localhost${sounds}`, { method: 'POST', body: form }));
    expect(await refusalOf(answer)).toMatchObject({ status: 400, param: 'file' });
    expect(await isHearing()).toBe(true);
  });

  it('of a page from elsewhere is refused, unless its origin may call', async () => {
    const own = await serve({ models: { hearer }, cors: 'https://page.example' });
    const ask = (origin: string) => {
      const form = new FormData();
      form.append('model', 'hearer');
      form.append('file', new File([wav(16_000, 1, 8000)], 'a.wav'));
      const headers = { origin, 'sec-fetch-site': 'cross-site' };
      return own.fetch(new Request(`http://localhost${sounds}`, { method: 'POST', body: form, headers }));
    };
    expect(await refusalOf(await ask('https://other.example'))).toMatchObject({ status: 403, code: 'origin_not_allowed' });
    expect((await ask('https://page.example')).status).toBe(200);
    await own.close();
  });
});
