/** Addresses of remote models, in data that crosses to a worker, and a folder of a model's files by their addresses. */
import type { Fetch, OpenOptions, Runtime } from '../runtime/types.js';
import { endpointOf, HUB_TEMPLATE, isAddress } from './env.js';
import type { Folder } from './folder.js';
import { type Asking, ask, refusal } from './hub_http.js';
import { type AnyCache, type CacheLike, openKept } from './url_cache.js';

/** Data that identifies a remote model. */
export interface Words {
  /** Id of the model, owner/name; undefined for a URL. */
  readonly id: string | undefined;
  readonly revision: string;
  /** Address of the hub, and template of the path of a model's files. */
  readonly host: string;
  readonly template: string;
  /** `true` where nothing may be downloaded. */
  readonly localOnly: boolean;
  /** Folder of the disk, or the Cache API's cache, that keeps the files. */
  readonly disk: string | undefined;
  readonly cache: string | CacheLike | undefined;
  /** Download function of the user. */
  readonly fetch: Fetch | undefined;
  /** `true` where nothing is written to the console. */
  readonly quiet: boolean;
}

export const isCommit = (revision: string): boolean => /^[\da-f]{40}$/.test(revision);

/** Returns the address of a file at the hub. */
export function addressAt({ host, template, id = '' }: Words, revision: string, file: string): string {
  const path = template.replaceAll('{model}', id).replaceAll('{revision}', encodeURIComponent(revision));
  const url = new URL(host);
  const folder = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`.replace(/\/+$/, '');
  url.pathname = `${folder}/${file.split('/').map(encodeURIComponent).join('/')}`;
  return url.href;
}

/** Options of requests to the hub, with the user's token where the token is for this hub. */
export function askingOf(runtime: Runtime, { host, fetch, id }: Words): Omit<Asking, 'signal'> {
  const endpoint = endpointOf(runtime);
  const own = id !== undefined && isAddress(endpoint) && new URL(host).origin === new URL(endpoint).origin;
  const value = own ? runtime.hubCache?.token() : undefined;
  return { fetch: fetch ?? runtime.fetch, token: value ? { value, origin: new URL(host).origin } : undefined };
}

/** `true` where the host is the hub itself, or the one that HF_ENDPOINT names; else it may be any server of files. */
export const meansHub = (runtime: Runtime, { host, template }: Words): boolean =>
  template === HUB_TEMPLATE && isAddress(endpointOf(runtime)) && new URL(host).origin === new URL(endpointOf(runtime)).origin;

/** Returns a folder of files by their addresses, kept in a cache if there is one. */
export function addressFolder(runtime: Runtime, words: Words, name: string, cache: () => Promise<AnyCache | undefined>): Folder {
  const { id, revision, host, localOnly, quiet } = words;
  const asking = askingOf(runtime, words);
  let opened: Promise<AnyCache | undefined> | undefined;
  const locate = (file: string) => addressAt(words, revision, file);
  // Files that were opened before: within one load they are not compared with the server's again.
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
    // Not every server sends parts of files; the hub does.
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

/** Asks the hub for the names of a revision's files. */
export async function listAt({ host, id }: Words, revision: string, asking: Asking): Promise<readonly string[]> {
  const response = await ask(new URL(`api/models/${id}/revision/${encodeURIComponent(revision)}`, host).href, asking, { retries: 1 });
  const { siblings } = (response.ok ? await response.json() : {}) as { siblings?: { rfilename?: unknown }[] };
  return (Array.isArray(siblings) ? siblings : []).map((file) => file?.rfilename).filter((file) => typeof file === 'string');
}
