/**
 * The hub's files on the disk, in the layout of Hugging Face's own libraries: `blobs` has contents by their hashes, `snapshots` the names that a commit gives them,
 * as symbolic links, `refs` the commits of branches and tags. Every file is complete: a blob gets its name when its bytes match the hub's checksum. Until then its
 * name includes its writer's process, so that no two processes write into one file, and a later one continues the download of a dead one.
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
/** Folder of Hugging Face's files; undefined where neither a variable nor the home folder is known. */
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

/** Writes a file completely or not at all, also while other processes write it. */
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

/** Error codes of a folder that may not be written to. Loading goes on, since its files can be read. */
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

/** A download under way in this process, and the number of callers that wait for it. */
interface Job {
  done: Promise<void>;
  waiting: number;
  abort: AbortController;
  heard: Set<NonNullable<OpenOptions['onFetch']>>;
}
const jobs = new Map<string, Job>();

/** Shares one download among all callers that want the file. It is aborted when no caller is left. */
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
  /** Listener of this caller: when it throws, only this caller's load ends. */
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
      // Waits until the bytes received so far are in place for the next download.
      await done.catch(() => {});
    }
  }
  signal?.throwIfAborted();
  if (failure) throw (failure as { error: unknown }).error;
}

/** Gives a blob its name in a commit: by a symbolic link, or a copy where there are no links. */
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
    // The ref is needed only without a network; loading does not need it.
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
    // Without a hash, the blob is named after the file and its ETag. Other ETags are lengths and times, which two files may share.
    const { etag } = remote;
    const blob = join(blobs, isHash(etag) ? etag : `${etag || commit}-${file.replaceAll('/', '-')}`);
    try {
      return await ifWritable(async () => {
        await makeFolder(blobs);
        const known = await stat(blob).catch(() => undefined);
        if (!known || (remote.size !== undefined && known.size !== remote.size)) {
          // Imported on demand: most processes download nothing, and save the 2 MB that checksums take.
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
