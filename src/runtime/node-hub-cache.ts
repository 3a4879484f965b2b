/**
 * The hub's files on the disk, in the layout of Hugging Face's own libraries: `blobs` are contents by their hashes, `snapshots` the names that a commit gives
 * them, as symbolic links, `refs` the commits that branches and tags were. What is at its place is whole: a blob gets its name when its bytes are what the hub
 * says. Until then it has a name with its writer's process in it, so that no two write into one file, and whoever comes later goes on where a dead one stopped.
 */

import { readFileSync } from 'node:fs';
import { copyFile, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { HeedError } from '../errors.js';
import { addressCache } from './node-address-cache.js';
import { home, variable } from './node-environment.js';
import { codeOf, storageFailure } from './node-failures.js';
import { makeFolder, open } from './node-files.js';
import type { HubCache, OpenOptions, Repository } from './types.js';

const given = (name: string): string | undefined => variable(name)?.trim() || undefined;
const expand = (path: string): string => path.replace(/^~(?=$|[\\/])/, (tilde) => home() ?? tilde);
/** Undefined where nobody says where the user's files are. */
function hfHome(): string | undefined {
  const own = home();
  const caches = given('XDG_CACHE_HOME') ?? (own && join(own, '.cache'));
  const folder = given('HF_HOME') ?? (caches && join(caches, 'huggingface'));
  return folder && expand(folder);
}

const below = ({ folder, id }: Repository, ...path: string[]) => join(expand(folder), `models--${id.replaceAll('/', '--')}`, ...path);
const pointer = (repository: Repository, commit: string, file: string) => below(repository, 'snapshots', commit, ...file.split('/'));
const mark = (repository: Repository, commit: string, file: string) => below(repository, '.no_exist', commit, ...file.split('/'));

const there = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

let written = 0;

/** Whole or not at all, whoever else writes it. */
async function put(path: string, make: (path: string) => Promise<unknown>): Promise<void> {
  const own = `${path}.${process.pid}-${++written}.tmp`;
  await makeFolder(dirname(path));
  try {
    await make(own);
    await rename(own, path);
  } catch (error) {
    await rm(own, { force: true }).catch(() => {});
    throw error;
  }
}

/** A folder that may not be written to is no reason not to load: what is in it can be read. */
const unwritable = ['EROFS', 'EACCES', 'EPERM'];
async function ifWritable(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (unwritable.includes(codeOf(error))) return false;
    throw error;
  }
}

/** Downloads that are under way in this process, and how many wait for each. */
interface Job {
  done: Promise<void>;
  waiting: number;
  abort: AbortController;
  heard: Set<NonNullable<OpenOptions['onFetch']>>;
}
const jobs = new Map<string, Job>();

/** One download for all who want the file. It ends when nobody does any more. */
async function together(
  path: string,
  { signal, onFetch }: OpenOptions,
  start: (options: OpenOptions & { signal: AbortSignal }) => Promise<void>,
) {
  let job = jobs.get(path);
  if (!job) {
    const abort = new AbortController();
    const heard: Job['heard'] = new Set();
    const onFetch = (loaded: number, total: number | undefined) => {
      for (const hear of heard) hear(loaded, total);
    };
    job = { done: Promise.resolve(), waiting: 0, abort, heard };
    jobs.set(path, job);
    const own = job;
    job.done = start({ signal: abort.signal, onFetch }).finally(() => {
      if (jobs.get(path) === own) jobs.delete(path);
    });
    job.done.catch(() => {});
  }
  const { done, abort, heard } = job;
  job.waiting++;
  let failure: unknown;
  /** A listener that throws ends its own load alone. */
  const hear =
    onFetch &&
    ((...args: Parameters<typeof onFetch>) => {
      try {
        onFetch(...args);
      } catch (error) {
        failure ??= { error };
        leave();
      }
    });
  let leave: () => void = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  if (hear) heard.add(hear);
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted) leave();
  try {
    await Promise.race([done, left]);
  } finally {
    signal?.removeEventListener('abort', leave);
    if (hear) heard.delete(hear);
    if (--job.waiting === 0) {
      abort.abort();
      if (jobs.get(path) === job) jobs.delete(path);
      // What it wrote is at its place for whoever goes on with it.
      await done.catch(() => {});
    }
  }
  signal?.throwIfAborted();
  if (failure) throw (failure as { error: unknown }).error;
}

/** The name that a commit gives to a blob: a link, or where there are none a copy. */
const link = (blob: string, path: string) =>
  put(path, async (own) => {
    const target = await realpath(dirname(own)).then(async (folder) => relative(folder, await realpath(blob)));
    await symlink(target, own).catch(() => copyFile(blob, own));
  });

function tokenFile(): string | undefined {
  try {
    const folder = hfHome();
    const path = given('HF_TOKEN_PATH') ?? (folder && join(folder, 'token'));
    return path && (readFileSync(expand(path), 'utf8').trim() || undefined);
  } catch {
    return undefined;
  }
}

const isHash = (etag: string): boolean => /^([\da-f]{40}|[\da-f]{64})$/.test(etag);

export const nodeHubCache: HubCache = {
  home() {
    const folder = hfHome();
    const hub = given('HF_HUB_CACHE') ?? given('HUGGINGFACE_HUB_CACHE') ?? (folder && join(folder, 'hub'));
    return hub && expand(hub);
  },

  token() {
    if (/^(1|on|yes|true)$/i.test(given('HF_HUB_DISABLE_IMPLICIT_TOKEN') ?? '')) return undefined;
    const token = given('HF_TOKEN') ?? given('HUGGING_FACE_HUB_TOKEN') ?? tokenFile();
    if (token && !/^[\x21-\x7e]+$/.test(token))
      throw new HeedError('ARGUMENT', 'The token of the hub has characters that no token has', {
        culprit: 'HF_TOKEN',
        cure: 'Check HF_TOKEN, or the file that HF_TOKEN_PATH names',
      });
    return token;
  },

  async commitOf(repository, revision) {
    const commit = await readFile(below(repository, 'refs', ...revision.split('/')), 'utf8').catch(() => '');
    return /^[\da-f]{40}$/.test(commit.trim()) ? commit.trim() : undefined;
  },

  async setCommit(repository, revision, commit) {
    if ((await this.commitOf(repository, revision)) === commit) return;
    // What it is for is to be found when there is no net; loading does not need it.
    await put(below(repository, 'refs', ...revision.split('/')), (path) => writeFile(path, commit)).catch(() => {});
  },

  async open(repository, commit, file, options) {
    const path = pointer(repository, commit, file);
    return (await there(path)) ? open(path, options) : undefined;
  },

  lacks: (repository, commit, file) => there(mark(repository, commit, file)),

  async setLacks(repository, commit, file) {
    await put(mark(repository, commit, file), (path) => writeFile(path, '')).catch(() => {});
  },

  async list(repository, commit) {
    const root = below(repository, 'snapshots', commit);
    const all = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    return all
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  },

  async keep(repository, commit, file, remote, from, options) {
    const blobs = below(repository, 'blobs');
    // Without a hash a content has no name of its own: it is the file's. Other ETags are lengths and times, which two files may share.
    const { etag } = remote;
    const blob = join(blobs, isHash(etag) ? etag : `${etag || commit}-${file.replaceAll('/', '-')}`);
    try {
      return await ifWritable(async () => {
        await makeFolder(blobs);
        const known = await stat(blob).catch(() => undefined);
        if (!known || (remote.size !== undefined && known.size !== remote.size)) {
          // Most processes download nothing, and spare the 2 MB that checksums take.
          const { download } = await import('./node-download.js');
          await together(blob, options, (own) => download(blob, remote, from, own));
        }
        await link(blob, pointer(repository, commit, file));
      });
    } catch (error) {
      if (error instanceof HeedError || options.signal?.aborted || codeOf(error) === '') throw error;
      const cure = 'Make room, or have it elsewhere: HF_HOME, or env.cacheDir; env.useFSCache = false does without';
      throw storageFailure(blob, 'cannot be written', error, cure);
    }
  },

  addresses: (folder) => addressCache(join(expand(folder), 'addresses')),
};
