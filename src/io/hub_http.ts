/**
 * How files are asked for on the net: again where a server is busy or out of order, from another place where it says so, with a token that only the hub gets
 * to see. What the hub tells of a file comes with its first answer, before it sends on to where the bytes are.
 */
import { HeedError, shown } from '../errors.js';
import type { Fetch, RemoteFile } from '../runtime/types.js';

export interface Asking {
  fetch: Fetch;
  /** Goes to servers of this origin alone. */
  token?: { value: string; origin: string } | undefined;
  signal?: AbortSignal | undefined;
  /** Seconds in which a server must begin to answer. Default 30. */
  patience?: number | undefined;
}

/** How often a request is repeated that may succeed later. */
const RETRIES = 4;
/** How often, where nobody answers: mostly there is no net. */
const SILENCES = 2;
/** Milliseconds before the first repetition; each waits twice as long as the one before it. */
const PAUSE = 250;
/** The longest that a server may ask us to wait, in seconds. */
const LONGEST = 60;
/** Seconds in which a server must begin to answer. */
const PATIENCE = 30;

const temporary = [408, 429, 500, 502, 503, 504];

const pause = (milliseconds: number, signal: AbortSignal | undefined) =>
  new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });

/** The answer to a request, whatever it is. `follow`: whether it is asked for where the server sends us on to. Rejects with NETWORK where there is none. */
export async function ask(
  url: string,
  asking: Asking,
  {
    method = 'GET',
    headers = {},
    retries = RETRIES,
    linked = false,
  }: { method?: string; headers?: Record<string, string>; retries?: number; linked?: boolean } = {},
): Promise<Response> {
  const { signal } = asking;
  for (let turn = 0; ; turn++) {
    signal?.throwIfAborted();
    let wait = PAUSE * 2 ** turn;
    try {
      const response = await follow(url, asking, method, headers, linked);
      if (!temporary.includes(response.status) || turn >= retries) return response;
      const after = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (after >= 0) wait = 1000 * Math.min(after, LONGEST);
      await response.body?.cancel().catch(() => {});
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (turn >= Math.min(retries, SILENCES) || (error instanceof HeedError && error.code !== 'NETWORK')) throw error;
    }
    await pause(wait, signal);
  }
}

/** One request, and those that it is sent on to. Where `linked`, the first answer that tells of the file is the one that is wanted. */
async function follow(first: string, asking: Asking, method: string, headers: Record<string, string>, linked: boolean): Promise<Response> {
  let url = first;
  // Only who has a secret must look where it goes; a page may not.
  const redirect = asking.token || linked ? 'manual' : 'follow';
  let telling: Response | undefined;
  for (let hops = 0; hops < 10; hops++) {
    const response = await once(url, asking, { method, headers, redirect });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    const { headers: found, ok } = response;
    // Where a mirror sends on within itself, it may have told before.
    if (!location) return ok && telling && !found.has('x-repo-commit') ? telling : response;
    if (linked && tells(found, location)) return response;
    if (linked && found.has('x-repo-commit') && found.has('etag')) telling ??= response;
    await response.body?.cancel().catch(() => {});
    url = new URL(location, url).href;
  }
  throw new HeedError('FORMAT', `${shown(first)}: the server sends us on again and again`, { culprit: shown(first) });
}

/** Whether a redirect tells of the file itself, as huggingface_hub has it: by the hub's own ETag, or, where it leads away, by a commit and an ETag. */
const tells = (headers: Headers, location: string): boolean =>
  headers.has('x-linked-etag') || (/^([a-z][\w+.-]*:)?\/\//i.test(location) && headers.has('x-repo-commit') && headers.has('etag'));

async function once(
  url: string,
  { fetch, token, signal, patience = PATIENCE }: Asking,
  init: { method: string; headers: Record<string, string>; redirect: 'manual' | 'follow' },
) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), 1000 * patience);
  const own = token && new URL(url).origin === token.origin ? { authorization: `Bearer ${token.value}` } : {};
  try {
    const all = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    return await fetch(url, { ...init, headers: { ...init.headers, ...own }, signal: all });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const why = [error, error instanceof Error ? error.cause : undefined].filter((e) => e instanceof Error).map((e) => e.message);
    let reason = late.signal.aborted
      ? `it did not answer within ${patience} s`
      : (why.join(': ') || String(error)).replaceAll(url, shown(url));
    if (token) reason = reason.replaceAll(token.value, '…');
    throw new HeedError('NETWORK', `${shown(url)}: the download failed (${reason})`, {
      culprit: shown(url),
      cure: 'Is the network there?',
    });
  } finally {
    clearTimeout(timer);
  }
}

/** A file, and the commit that the hub means by the revision that was asked for. */
export interface Told extends RemoteFile {
  commit: string | undefined;
}

/** What the hub tells of a file. */
export function told({ headers, status }: Response): Told {
  const etag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^W\//, '').replaceAll('"', '');
  const length = headers.get('x-linked-size') ?? (status < 300 && !headers.has('content-encoding') ? headers.get('content-length') : null);
  const commit = headers.get('x-repo-commit') ?? '';
  return {
    etag: /^[\w.-]{1,128}$/.test(etag) ? etag : '',
    size: length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
    commit: /^[\da-f]{40}$/.test(commit) ? commit : undefined,
  };
}

/** Why an answer is not the file. */
export function refusal(response: Response, url: string, model: string, host: string): HeedError {
  const { status, statusText, headers } = response;
  const code = headers.get('x-error-code') ?? '';
  const answer = `${status} ${code || statusText}`.trim();
  const error = (kind: 'NOT_FOUND' | 'NETWORK', message: string, cure: string) =>
    new HeedError(kind, `${message} (${answer})`, { culprit: kind === 'NOT_FOUND' && code === 'EntryNotFound' ? shown(url) : model, cure });
  if (code === 'GatedRepo')
    return error(
      'NETWORK',
      `${model} is for those who have accepted its terms`,
      `Accept them at ${host}/${model.replace(/@.*/, '')}, and set HF_TOKEN to a token of yours`,
    );
  if (code === 'RevisionNotFound') return error('NOT_FOUND', `${model} has no such revision`, 'Check the branch, tag or commit');
  if (code === 'EntryNotFound') return error('NOT_FOUND', `${shown(url)}: there is no such file`, 'Check the name');
  if (code === 'RepoNotFound' || (status === 401 && !code))
    return error(
      'NOT_FOUND',
      `${host} has no model ${model} that may be seen`,
      'Check the name; for a private model set HF_TOKEN to a token of yours',
    );
  if (status === 404 || status === 410) return error('NOT_FOUND', `${shown(url)}: there is no such file`, 'Check the name');
  if (status === 403) return error('NETWORK', `${host} refuses ${model}`, 'Check that the token in HF_TOKEN may read it');
  return error('NETWORK', `${shown(url)}: the server failed`, status === 429 ? 'Ask less often, or set HF_TOKEN' : 'Try again later');
}
