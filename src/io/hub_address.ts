/** Where a model of the net is, in words that cross to a worker, and a folder of its files by their addresses. */
import type { Fetch, OpenOptions, Runtime } from '../runtime/types.js';
import { endpointOf, HUB_TEMPLATE, isAddress } from './env.js';
import type { Folder } from './folder.js';
import { type Asking, ask, refusal } from './hub_http.js';
import { type AnyCache, type CacheLike, openKept } from './url_cache.js';

/** A model of the net. */
export interface Words {
  /** owner/name, or undefined for a URL. */
  readonly id: string | undefined;
  readonly revision: string;
  /** Where the hub is, and how the address of a file of it goes on. */
  readonly host: string;
  readonly template: string;
  /** Nothing is downloaded. */
  readonly localOnly: boolean;
  /** The folder of the disk, or the Cache API's cache, that keeps it. */
  readonly disk: string | undefined;
  readonly cache: string | CacheLike | undefined;
  /** The user's own. */
  readonly fetch: Fetch | undefined;
  /** Nothing is written to the console. */
  readonly quiet: boolean;
}

export const isCommit = (revision: string): boolean => /^[\da-f]{40}$/.test(revision);

/** The address of a file at the hub. */
export function addressAt({ host, template, id = '' }: Words, revision: string, file: string): string {
  const path = template.replaceAll('{model}', id).replaceAll('{revision}', encodeURIComponent(revision));
  const url = new URL(host);
  const folder = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`.replace(/\/+$/, '');
  url.pathname = `${folder}/${file.split('/').map(encodeURIComponent).join('/')}`;
  return url.href;
}

/** How the hub is asked, with the user's token where it is the one that the token is for. */
export function askingOf(runtime: Runtime, { host, fetch, id }: Words): Omit<Asking, 'signal'> {
  const endpoint = endpointOf(runtime);
  const own = id !== undefined && isAddress(endpoint) && new URL(host).origin === new URL(endpoint).origin;
  const value = own ? runtime.hubCache?.token() : undefined;
  return { fetch: fetch ?? runtime.fetch, token: value ? { value, origin: new URL(host).origin } : undefined };
}

/** Whether words mean the hub itself, or what HF_ENDPOINT names as one; else it may be any server of files. */
export const meansHub = (runtime: Runtime, { host, template }: Words): boolean =>
  template === HUB_TEMPLATE && isAddress(endpointOf(runtime)) && new URL(host).origin === new URL(endpointOf(runtime)).origin;

/** Files by their addresses, kept in a cache if there is one. */
export function addressFolder(runtime: Runtime, words: Words, name: string, cache: () => Promise<AnyCache | undefined>): Folder {
  const { id, revision, host, localOnly, quiet } = words;
  const asking = askingOf(runtime, words);
  let opened: Promise<AnyCache | undefined> | undefined;
  const locate = (file: string) => addressAt(words, revision, file);
  // Files that were opened before: within one load nobody asks again whether they are what the server has.
  const opens = new Map<string, Promise<unknown>>();
  const openAfter = async (before: Promise<unknown> | undefined, file: string, options: OpenOptions = {}) => {
    opened ??= cache();
    const known = await before?.then(
      () => true,
      () => false,
    );
    const url = locate(file);
    return openKept(runtime, url, {
      ...asking,
      ...options,
      cache: await opened,
      localOnly,
      immutable: known || isCommit(revision),
      refusal: (response) => refusal(response, url, id ?? locate(''), new URL(host).origin),
      warn: (message) => quiet || console.warn(message),
    });
  };
  return {
    name: id ? name : locate('').replace(/[?#].*$|\/$/g, ''),
    // Not every server sends parts; the hub does.
    remote: id !== undefined,
    locate,
    open(file, options) {
      const stream = openAfter(opens.get(file), file, options);
      if (options?.bytes === undefined) opens.set(file, stream);
      return stream;
    },
    ...(id && { list: async (options) => listAt(words, revision, { ...asking, signal: options?.signal }) }),
  };
}

/** The names of a revision's files, which the hub tells. */
export async function listAt({ host, id }: Words, revision: string, asking: Asking): Promise<readonly string[]> {
  const response = await ask(new URL(`api/models/${id}/revision/${encodeURIComponent(revision)}`, host).href, asking, { retries: 1 });
  const { siblings } = (response.ok ? await response.json() : {}) as { siblings?: { rfilename?: unknown }[] };
  return (Array.isArray(siblings) ? siblings : []).map((file) => file?.rfilename).filter((file) => typeof file === 'string');
}
