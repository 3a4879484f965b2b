/**
 * Models of the Hugging Face hub, or of a server with the same addresses: `owner/name`, `owner/name@revision`. This file resolves a name, by `env` and the caller's
 * options, to data that crosses to a worker; the data becomes a Folder: on a disk in the cache of the hub's own libraries (hub_folder.ts), elsewhere by addresses
 * (url_cache.ts). URLs become the latter too.
 */
import { HeedError, kindOf } from '../errors.js';
import type { Runtime } from '../runtime/types.js';
import { type Environment, isAddress, LogLevel } from './env.js';
import type { Hub, SourceOptions } from './find.js';
import { type Folder, fileIn } from './folder.js';
import { addressFolder, type Words } from './hub_address.js';
import { HubFolder } from './hub_folder.js';

/** Pattern of `owner/name`, as the hub allows it, a revision as git does, and a GGUF file in the model. */
const pattern = /^([\w-][\w.-]{0,95}\/[\w-][\w.-]{0,95})(?:@(.+?))?(?:\/([^@]+\.gguf))?$/i;

function parse(name: string, options: SourceOptions): { id: string; revision: string; file: string | undefined } | undefined {
  const [, id, own, file] = pattern.exec(name) ?? [];
  if (!id || id.endsWith('.git')) return undefined;
  const { revision = own ?? 'main' } = options;
  const wrong = (message: string, cure: string) => new HeedError('ARGUMENT', message, { culprit: 'revision', cure });
  if (own && own !== revision) throw wrong(`${name} is asked for in the revision ${revision}`, 'Give one of both');
  if (!/^[\w./-]{1,200}$/.test(revision) || revision.split('/').some((part) => part === '' || /^\.+$/.test(part)))
    throw wrong(`${JSON.stringify(revision.slice(0, 60))} is no revision`, 'Give a branch, a tag or a commit');
  if (file?.split('/').some((part) => part === '' || /^\.+$/.test(part))) return undefined;
  return { id, revision, file };
}

export function hubOf(runtime: Runtime, env: Environment): Hub {
  const { fetch: own } = runtime;
  const words = (options: SourceOptions): Omit<Words, 'id' | 'revision'> => {
    const local = options.local_files_only === true || !env.allowRemoteModels;
    const custom = env.useCustomCache ? (env.customCache ?? undefined) : undefined;
    if (env.useCustomCache && !custom)
      throw new HeedError('ARGUMENT', 'env.useCustomCache is true, and there is no env.customCache', {
        culprit: 'customCache',
        cure: 'Set it',
      });
    const { cache_dir = env.cacheDir ?? undefined } = options;
    if (options.cache_dir !== undefined && !runtime.hubCache)
      throw new HeedError('UNSUPPORTED', 'There is no disk for cache_dir here', { culprit: 'cache_dir', cure: 'Leave it out' });
    return {
      host: env.remoteHost.endsWith('/') ? env.remoteHost : `${env.remoteHost}/`,
      template: env.remotePathTemplate,
      localOnly: local,
      disk: !custom && runtime.hubCache && env.useFS && env.useFSCache ? cache_dir : undefined,
      cache: custom ?? (env.useBrowserCache ? env.cacheKey : undefined),
      fetch: env.fetch === own ? undefined : env.fetch,
      quiet: env.logLevel > LogLevel.WARNING,
    };
  };
  const isThere = async (folder: string): Promise<boolean> => {
    if (await runtime.exists(folder)) return true;
    if (runtime.hubCache) return false;
    return runtime.open(runtime.join(folder, 'config.json'), { bytes: 1 }).then(
      async (stream) => {
        await stream.close();
        return true;
      },
      () => false,
    );
  };
  return {
    async find(address, isUrl, options) {
      const kept = (location: string, rest: Omit<Words, 'id' | 'revision'>) => {
        const { folder: host, file } = fileIn(location) ?? { folder: location, file: undefined };
        return { hub: { ...rest, id: undefined, revision: '', host, template: '' } satisfies Words, ...(file && { file }) };
      };
      // An address below the page's own counts as local, whatever the settings for remote models.
      const online = (location: string, rest: Omit<Words, 'id' | 'revision'>) =>
        rest.localOnly || rest.cache || rest.fetch ? kept(location, rest) : { location };
      if (isUrl) return /^https?:/i.test(address) ? online(address, words(options)) : { location: runtime.resolve(address) };
      const id = parse(address, options);
      if (env.allowLocalModels) {
        if (env.useFS && (await runtime.exists(address))) return { location: runtime.resolve(address) };
        const at = id && env.localModelPath ? runtime.join(env.localModelPath, id.id) : undefined;
        if (at && (await isThere(at))) return { location: runtime.resolve(at) };
      }
      // Settings are checked when they are set, their initial value from the variable is not.
      if (id && !isAddress(env.remoteHost))
        throw new HeedError('ARGUMENT', `HF_ENDPOINT is ${kindOf(env.remoteHost)}`, {
          culprit: 'HF_ENDPOINT',
          cure: 'It must be an http or https URL',
        });
      if (id) {
        const { file, ...repository } = id;
        return { hub: { ...words(options), ...repository } satisfies Words, ...(file && { file }) };
      }
      if (!runtime.hubCache) return online(runtime.resolve(address), { ...words({}), localOnly: false });
      if (!env.allowLocalModels || !env.useFS)
        throw new HeedError('UNSUPPORTED', `${address} is a path, and env allows none`, {
          culprit: 'model',
          cure: 'Set env.allowLocalModels and env.useFS',
        });
      const short = /^[\w-][\w.-]*$/.test(address) ? `: those have an owner, as in owner/${address}` : '';
      throw new HeedError('NOT_FOUND', `${address} does not exist, and is neither a URL nor a hub’s owner/name${short}`, {
        culprit: 'model',
        cure: 'Check the path',
        cause: await runtime.open(address).catch((error: unknown) => error),
      });
    },
    folder: (found, name) => folderOfWords(runtime, found as Words, name),
  };
}

function folderOfWords(runtime: Runtime, words: Words, name: string): Folder {
  const { id, disk } = words;
  if (disk !== undefined && id !== undefined && runtime.hubCache) return new HubFolder(runtime, runtime.hubCache, words, name);
  return addressFolder(runtime, words, name, async () => {
    if (typeof words.cache !== 'string') return words.cache;
    // There is no Cache API where a page is not secure, and none that works in some workers.
    return runtime
      .caches()
      ?.open(words.cache)
      .catch(() => undefined);
  });
}
