/** Bodies of requests: read up to a limit, and taken for JSON. */
import type { Call } from './call.js';
import { ApiError } from './errors.js';

/**
 * What a text of JSON may have. Templates and schemas go through objects and lists within each other by functions that call themselves; an object of a million members takes seconds,
 * in which nobody else is answered, where the same bytes as one text take none.
 */
const most = { depth: 100, members: 100_000, values: 1_000_000 };

/** Bytes of a body. Rejects with 413 beyond the limit, 408 where it does not come, 415 for one that is compressed. */
export async function bytesOf(call: Call, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const { request, signal } = call;
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (!/^(identity)?$/i.test(encoding))
    throw new ApiError(415, `The body of the request has the encoding ${encoding.slice(0, 50)}: send it as it is`, {
      code: 'unsupported_media_type',
      headers: { 'accept-encoding': 'identity' },
    });
  const tooLarge = () => new ApiError(413, `The body of the request is larger than ${limit} bytes`, { code: 'body_too_large' });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array();
  const stop = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      length += value.length;
      if (length > limit) throw tooLarge();
      parts.push(value);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, 'The body of the request broke off', { cause: error });
  } finally {
    signal.removeEventListener('abort', stop);
    reader.releaseLock();
  }
  call.arrived();
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The value of a body of JSON. Rejects with 415 for another type, which also keeps pages of other origins from posting without being asked, and 400. */
export async function jsonOf(call: Call, limit: number): Promise<unknown> {
  const type = call.request.headers.get('content-type') ?? '';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type))
    throw new ApiError(415, 'The body of the request must be of the type application/json', { code: 'unsupported_media_type' });
  const bytes = await bytesOf(call, limit);
  const refused = (why: string) => new ApiError(400, `The body of the request is no JSON: ${why}`, { code: 'invalid_json' });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refused('it is not UTF-8');
  }
  const found = shapeOf(text);
  if (found.depth > most.depth) throw refused(`it is nested deeper than ${most.depth}`);
  if (found.members > most.members) throw refused(`its objects have more than ${most.members} members`);
  if (found.values > most.values) throw refused(`it has more than ${most.values} values`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refused((error as Error).message.slice(0, 100));
  }
}

/** Most brackets that are open at once in a text of JSON, members of its objects, and values. */
function shapeOf(text: string): typeof most {
  let [depth, isString] = [0, false];
  const found = { depth: 0, members: 0, values: 1 };
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isString) {
      if (c === 0x5c) i++;
      else if (c === 0x22) isString = false;
    } else if (c === 0x22) isString = true;
    else if (c === 0x2c) found.values++;
    else if (c === 0x3a) found.members++;
    else if (c === 0x7b || c === 0x5b) found.depth = Math.max(found.depth, ++depth);
    else if (c === 0x7d || c === 0x5d) depth--;
  }
  return found;
}
