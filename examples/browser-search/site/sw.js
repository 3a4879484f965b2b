// @ts-nocheck: its globals are a service worker's
/**
 * The page's service worker: keeps every file that the page, heed and the model are made of, so that the page works offline after its first visit. The model is
 * taken from what is kept whenever it is there; everything else is asked for anew, and taken from there when there is no network.
 */
const NAME = 'almanac-1'; // another name for another model
const page = ['./', 'page.css', 'page.js', 'offline.js', 'results.js'];
const kept = caches.open(NAME);

self.addEventListener('install', (event) => {
  event.waitUntil(kept.then((cache) => cache.addAll(page)).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  const forget = async () => {
    for (const name of await caches.keys()) if (name.startsWith('almanac-') && name !== NAME) await caches.delete(name);
  };
  event.waitUntil(Promise.all([forget(), self.clients.claim()]));
});
self.addEventListener('message', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && new URL(url).origin === location.origin) event.respondWith(answer(event));
});

async function answer(event) {
  const { request } = event;
  const cache = await kept;
  const known = await cache.match(request);
  if (known?.ok && request.url.includes('/model/')) return known;
  try {
    const response = await fetch(request);
    // That a model lacks a file is worth knowing when there is nobody to ask.
    if (response.ok || response.status === 404) event.waitUntil(cache.put(request, response.clone()));
    return response;
  } catch (error) {
    if (known) return known;
    throw error;
  }
}
