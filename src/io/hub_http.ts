/**
 * Requests for remote files: repeated where a server is busy or failing, redirected where it says so, with a token that only the hub gets to see. The hub describes
 * a file in its first response, before it redirects to the bytes.
 */
import { HeedError, shown } from '../errors.js';
import type { Fetch, RemoteFile } from '../runtime/types.js';

export interface Asking {
  fetch: Fetch;
  /** Token that is sent to servers of this origin alone. */
  token?: { value: string; origin: string } | undefined;
  signal?: AbortSignal | undefined;
  /** Seconds in which a server must begin to answer. Default 30. */
  patience?: number | undefined;
}

/** Number of retries of a request that may succeed later. */
const RETRIES = 4;
/** Number of retries where no server answers: mostly there is no network. */
const SILENCES = 2;
/** Milliseconds before the first retry; each later one waits twice as long. */
const PAUSE = 250;
/** Longest wait that a server may ask for, in seconds. */
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

/** Returns the response to a request, whatever its status. `follow`: whether redirects are followed. Rejects with NETWORK where there is no response. */
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

/** Sends a request and follows its redirects. Where `linked`, returns the first response that describes the file. */
async function follow(first: string, asking: Asking, method: string, headers: Record<string, string>, linked: boolean): Promise<Response> {
  let url = first;
  // Redirects are handled here only where there is a token to protect, or a description to find; a page may not see them.
  const redirect = asking.token || linked ? 'manual' : 'follow';
  let telling: Response | undefined;
  for (let hops = 0; hops < 10; hops++) {
    const response = await once(url, asking, { method, headers, redirect });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    const { headers: found, ok } = response;
    // A mirror that redirects within itself may have described the file before.
    if (!location) return ok && telling && !found.has('x-repo-commit') ? telling : response;
    if (linked && tells(found, location)) return response;
    if (linked && found.has('x-repo-commit') && found.has('etag')) telling ??= response;
    await response.body?.cancel().catch(() => {});
    url = new URL(location, url).href;
  }
  throw new HeedError('FORMAT', `${shown(first)}: the server sends us on again and again`, { culprit: shown(first) });
}

/** `true` where a redirect describes the file itself, as in huggingface_hub: by the hub's own ETag, or, where it leads to another host, by a commit and an ETag. */
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

/** Description of a file, and the commit of the requested revision. */
export interface Told extends RemoteFile {
  commit: string | undefined;
}

/** Reads the description of a file from a response's headers. */
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

/** Makes the error for a response that is not the file. */
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
