/** Forms with files, as values that a schema checks. */
import { bytesOf } from './body.js';
import type { Call } from './call.js';
import { ApiError } from './errors.js';
import { partsOf } from './multipart.js';

/** Throws 403 for a form that a page of another origin posts, which browsers let it do without asking. They say where it comes from; other clients say nothing. */
function expectOwnPage({ headers }: Request, origins: readonly string[]): void {
  const isOther = /^(cross|same)-site$/.test(headers.get('sec-fetch-site') ?? '');
  if (!isOther || origins.includes('*') || origins.includes(headers.get('origin') ?? '')) return;
  throw new ApiError(403, 'Pages of this origin may not post here', { code: 'origin_not_allowed' });
}

/** Fields of a form; those whose names end in [] are lists. Rejects with 403 for a page that is none of `origins`, 415 for another type, and 400. */
export async function formOf(call: Call, limit: number, origins: readonly string[]): Promise<Record<string, unknown>> {
  expectOwnPage(call.request, origins);
  const type = call.request.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new ApiError(415, 'The body of the request must be of the type multipart/form-data', { code: 'unsupported_media_type' });
  const bytes = await bytesOf(call, limit);
  const fields = new Map<string, unknown>();
  for (const [key, value] of partsOf(bytes, type)) {
    const isList = key.endsWith('[]');
    const name = isList ? key.slice(0, -2) : key;
    const before = fields.get(name);
    if (before !== undefined && !(isList && Array.isArray(before)))
      throw new ApiError(400, `${name.slice(0, 100)} is given several times`, { param: name });
    fields.set(name, isList ? [...((before as unknown[] | undefined) ?? []), value] : value);
  }
  return Object.fromEntries(fields);
}
