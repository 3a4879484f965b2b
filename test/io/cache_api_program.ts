/** What cache_api.test.ts runs in a page: models of a hub, whose answers it gives back with what the page's cache then has. */
import type { FeatureExtractor, PretrainedOptions } from 'heed';
import type { Program } from '../runtimes/check.js';

const program: Program = async (heed, env, hub) => {
  const { env: settings, pipeline } = heed as typeof import('heed');
  settings.remoteHost = hub as string;
  const tell = (what: string) => fetch(`${hub}/${what}`).catch(() => {});
  const answer = async (model: string, options: PretrainedOptions = {}): Promise<string> => {
    const extract: FeatureExtractor = await pipeline('feature-extraction', model, {
      engine: { deterministic: true, threads: 1 },
      ...options,
    });
    const { data } = await extract(['a cat', 'two dogs'], { pooling: 'mean' });
    extract.dispose();
    return JSON.stringify([...data].map(Number));
  };
  const right = await answer(env.locate('fixtures/bert-tiny'));
  const events: string[] = [];
  const first = await answer('org/tiny', { progress_callback: ({ status }) => events.push(status) });
  const cache = await caches.open('transformers-cache');
  const keys = (await cache.keys()).map(({ url }) => new URL(url).href.replace(`${hub}`, ''));
  await tell('again');
  const again = await answer('org/tiny');
  await tell('local');
  const local = await answer('org/tiny', { local_files_only: true });
  await tell('gone');
  const gone = await answer('org/tiny', { worker: false });
  const missing = await answer('org/other').catch((error: { code?: string }) => error.code);
  const functions = await Promise.resolve()
    .then(() => {
      settings.fetch = (url, init) => fetch(url, init);
      return answer('org/tiny', { worker: true });
    })
    .catch((error: Error) => error.message);
  const own = await answer('org/tiny', { worker: false });
  return { events, keys, missing, functions, right: [first, again, local, gone, own].map((one) => one === right) };
};
export default program;
