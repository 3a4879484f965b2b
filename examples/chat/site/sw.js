// @ts-nocheck: its globals are a service worker's
/**
 * The page's service worker: keeps the page's files and heed's, so that they are there without a network; with one, they are asked for anew. The model is heed's to
 * keep, which does so for whatever it downloads.
 */
const page = ['./', 'page.css', 'page.js', 'offline.js'];
const kept = caches.open('chat');

self.addEventListener('install', (event) => {
  event.waitUntil(kept.then((cache) => cache.addAll(page)).then(() => self.skipWaiting()));
});
for (const type of ['activate', 'message']) self.addEventListener(type, (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (event.request.method === 'GET' && origin === location.origin && !/\/model/.test(pathname)) event.respondWith(answer(event));
});

async function answer(event) {
  const { request } = event;
  const cache = await kept;
  try {
    const response = await fetch(request);
    if (response.ok) event.waitUntil(cache.put(request, response.clone()));
    return response;
  } catch (error) {
    const known = await cache.match(request, { ignoreSearch: true });
    if (known) return known;
    throw error;
  }
}
