/**
 * Hands the page over to its service worker (sw.js), which keeps whatever is loaded from then on. Says whether it could: in a private window, or where a server has
 * no HTTPS, there may be none, and the page works online only.
 */
export async function keepOffline() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return false;
  try {
    await serviceWorker.register('sw.js');
  } catch {
    return false;
  }
  const { active } = await serviceWorker.ready;
  if (serviceWorker.controller) return true;
  const taken = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
  active?.postMessage('claim'); // a page that was reloaded with Shift belongs to none
  await taken;
  return true;
}
