/** A service worker that runs the program when it is installed and its page says so; and that page, which registers it. */
import * as heed from 'heed';
import program from 'program';
import { report, type WebInput } from './web.js';

declare const INPUT: WebInput;

const locate = (path: string) => new URL(`/${path}`, location.href).href;

async function page(): Promise<void> {
  const { serviceWorker } = navigator;
  await serviceWorker.register(import.meta.url, { type: 'module', scope: '/' });
  (await serviceWorker.ready).active?.postMessage('run');
}

function service({ waitUntil }: { waitUntil(work: Promise<unknown>): void }): void {
  const env = { ...INPUT, page: false, memory: undefined, locate };
  // Without a promise to wait for, a browser ends a service worker that seems idle.
  waitUntil(report(INPUT, () => program(heed, env, INPUT.args)));
}

// A service worker's module may not await at its top.
if ('document' in globalThis) page();
else
  addEventListener('message', (event) => {
    const extendable = event as unknown as ExtendableEvent;
    service({ waitUntil: (work) => extendable.waitUntil(work) });
  });

interface ExtendableEvent {
  waitUntil(work: Promise<unknown>): void;
}
