/**
 * A model of the hub, or of a server that `env` names in its place, kept on a disk (runtime's HubCache). The current commit of a revision is asked for once, so that
 * all files are of one commit; its files on the disk need no network. Where the hub cannot be asked, the last known commit of the revision stands in. A server that
 * names no commits is a server of files, which are kept by their addresses.
 */
import { HeedError } from '../errors.js';
import type { ByteStream, HubCache, OpenOptions, Repository, Runtime } from '../runtime/types.js';
import type { Folder } from './folder.js';
import { addressAt, addressFolder, askingOf, isCommit, listAt, meansHub, type Words } from './hub_address.js';
import { type Asking, ask, refusal, told } from './hub_http.js';

interface Resolved {
  readonly commit: string;
  /** Reason why only the files on the disk are available. */
  readonly offline: string | undefined;
}

/** Folder of a server that is no hub. */
interface Plain {
  readonly files: Folder;
}

export class HubFolder implements Folder {
  readonly remote = true;
  readonly #repository: Repository;
  readonly #asking: Omit<Asking, 'signal'>;
  #resolved: Promise<Resolved | Plain> | undefined;

  constructor(
    readonly runtime: Runtime,
    readonly cache: HubCache,
    readonly words: Words,
    readonly name: string,
  ) {
    this.#repository = { folder: words.disk as string, id: words.id as string };
    this.#asking = askingOf(runtime, words);
  }

  locate = (file: string): string => `${this.name}/${file}`;

  /** Resolves the commit. The hub is asked once, and again after a failure. */
  #resolve(signal: AbortSignal | undefined): Promise<Resolved | Plain> {
    if (!this.#resolved) {
      const resolved = this.#ask(signal);
      this.#resolved = resolved;
      resolved.catch(() => {
        if (this.#resolved === resolved) this.#resolved = undefined;
      });
    }
    return this.#resolved;
  }

  async #ask(signal: AbortSignal | undefined): Promise<Resolved | Plain> {
    const { revision, localOnly } = this.words;
    const offline = localOnly ? 'nothing may be downloaded' : undefined;
    if (isCommit(revision)) return { commit: revision, offline };
    const known = await this.cache.commitOf(this.#repository, revision);
    const addresses = this.cache.addresses(this.#repository.folder);
    const plain = meansHub(this.runtime, this.words)
      ? undefined
      : { files: addressFolder(this.runtime, this.words, this.name, async () => addresses) };
    if (localOnly) {
      if (known) return { commit: known, offline };
      if (plain) return plain;
      throw this.#notHere('nothing may be downloaded');
    }
    let answered = false;
    try {
      const url = addressAt(this.words, revision, 'config.json');
      // Users who already have the files do not wait long.
      const here = known || (plain && (await addresses.match(url)));
      const hurried = here && { retries: 0 };
      const patience = here ? Number(this.runtime.environment('HF_HUB_ETAG_TIMEOUT')) || 10 : undefined;
      const response = await ask(url, { ...this.#asking, signal, patience }, { ...HEAD, ...hurried });
      answered = true;
      const { commit } = told(response);
      if (commit) {
        await this.cache.setCommit(this.#repository, revision, commit);
        return { commit, offline: undefined };
      }
      if (plain && isFileServers(response)) return plain;
      if (response.status >= 400) throw this.#refusal(response, url);
      throw new HeedError('NETWORK', `${new URL(url).origin} does not answer as the hub does: it names no commit`, {
        culprit: this.name,
        cure: 'Check HF_ENDPOINT, or env.remoteHost',
      });
    } catch (error) {
      const gone = error instanceof HeedError && /RevisionNotFound/.test(error.message);
      if (signal?.aborted || gone || !(error instanceof HeedError)) throw error;
      // Files that are kept by addresses are found without a network too.
      if (plain && !known && !answered) return plain;
      if (!known) throw error;
      return { commit: known, offline: `the hub did not answer (${error.message})` };
    }
  }

  async open(file: string, options: OpenOptions = {}): Promise<ByteStream> {
    const { signal } = options;
    signal?.throwIfAborted();
    const resolved = await this.#resolve(signal);
    if ('files' in resolved) return resolved.files.open(file, options);
    const { commit, offline } = resolved;
    const kept = await this.cache.open(this.#repository, commit, file, options);
    if (kept) return kept;
    const url = addressAt(this.words, commit, file);
    if (await this.cache.lacks(this.#repository, commit, file))
      throw new HeedError('NOT_FOUND', `${this.locate(file)}: there is no such file`, {
        culprit: this.locate(file),
        cure: 'Check the name',
      });
    if (offline) throw this.#notHere(offline, file);
    const asking = { ...this.#asking, signal };
    const response = await ask(url, asking, HEAD);
    if (response.status >= 400) {
      if (told(response).commit && response.status === 404) await this.cache.setLacks(this.#repository, commit, file);
      throw this.#refusal(response, url);
    }
    if (options.bytes !== undefined) return this.#front(url, asking, options.bytes);
    const from = async (begin: number, own: AbortSignal | undefined) => {
      const headers = { 'accept-encoding': 'identity', ...(begin > 0 && { range: `bytes=${begin}-` }) };
      const part = await this.#get(url, { ...asking, signal: own }, headers);
      if (part.status === 416) return { begin: 0, stream: this.#stream(await this.#get(url, { ...asking, signal: own }, {}), url, own) };
      const at = /^bytes (\d+)-/.exec(part.headers.get('content-range') ?? '')?.[1];
      return { begin: part.status === 206 ? Number(at ?? begin) : 0, stream: this.#stream(part, url, own) };
    };
    if (await this.cache.keep(this.#repository, commit, file, told(response), from, options)) {
      const whole = await this.cache.open(this.#repository, commit, file, { signal });
      if (whole) return whole;
    }
    return (await from(0, signal)).stream;
  }

  /** Opens the front of a file, which is not kept. */
  async #front(url: string, asking: Asking, bytes: number): Promise<ByteStream> {
    const more = (range: string) => this.#get(url, asking, { range });
    const response = await more(`bytes=0-${Math.max(1, bytes) - 1}`);
    return this.runtime.streamOf(response, url, { signal: asking.signal, more });
  }

  #stream = (response: Response, url: string, signal: AbortSignal | undefined) =>
    this.runtime.streamOf(response, url, { signal, eager: true });

  async #get(url: string, asking: Asking, headers: Record<string, string>): Promise<Response> {
    const response = await ask(url, asking, { headers });
    if (response.ok || response.status === 416) return response;
    await response.body?.cancel().catch(() => {});
    throw this.#refusal(response, url);
  }

  async list({ signal }: OpenOptions = {}): Promise<readonly string[]> {
    const resolved = await this.#resolve(signal);
    // A server of files cannot list its files.
    if ('files' in resolved) return [];
    const { commit, offline } = resolved;
    if (offline) return this.cache.list(this.#repository, commit);
    return listAt(this.words, commit, { ...this.#asking, signal });
  }

  #refusal(response: Response, url: string): HeedError {
    return refusal(response, url, this.name, new URL(this.words.host).origin);
  }

  #notHere(why: string, file?: string): HeedError {
    const culprit = file === undefined ? this.name : this.locate(file);
    return new HeedError('NOT_FOUND', `${culprit} is not in the cache ${this.words.disk}, and ${why}`, {
      culprit,
      cure: 'Load it once with the net',
    });
  }
}

const HEAD = { method: 'HEAD', headers: { 'accept-encoding': 'identity' }, linked: true };

/**
 * `true` for a response of a plain file server: one without a commit that has no error code of a hub, and whose status is not that of a server that is busy,
 * failing, or closed. Some servers do not support HEAD.
 */
const isFileServers = ({ status, headers }: Response): boolean =>
  !headers.has('x-error-code') && (status < 429 || status === 501) && status !== 401;
